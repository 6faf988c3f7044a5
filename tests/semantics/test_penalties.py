"""`nascompile check` finds the mistakes of a search's penalty, all of them, without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nascompile.compilation import Compilation

TEXT = """nas 1
import dints
task scans {{
  data  = pairs("scans", image = "images/*.png", label = "labels/*.png")
  patch = [64, 64]
}}
search grid : dints(blocks = 2, depths = 2, classes = 2) on scans {{
  budget  = 3 epochs
  penalty = {penalty}
}}
"""
WRONG = [
    ("entropy(kepd)", "unknown-decision", "kepd", "`kept`"),
    ("2 * entrpy(kept)", "unknown-term", "entrpy", "`entropy`"),
    ("expected(rom)", "unknown-measure", "rom", "`ram`"),
    ("expected(macs, all = kepd)", "unknown-decision", "kepd", "`kept`"),
    ("consistency(edge)", "not-connected", "edge", "where connected(edge)"),
    ("abs(2 - 3)", "not-a-term", "abs(2 - 3)", "`entropy`"),
    ("entropy(kept, edge)", "not-a-term", "entropy(kept, edge)", "it takes one"),
    ("entropy(kept) + kept", "not-a-term", "kept", "write a sum of terms"),
    ("expected(2)", "not-a-term", "2", "expected(macs)"),
    ("ramp(entropy(1))", "not-a-term", "1", "`kept`"),
]


@pytest.mark.parametrize(("penalty", "code", "span", "hint"), WRONG, ids=[row[0] for row in WRONG])
def test_a_mistake_is_found(penalty: str, code: str, span: str, hint: str) -> None:
    (found,) = Compilation.from_text(TEXT.format(penalty=penalty)).check()
    assert found.primary is not None
    assert (found.code, found.primary.span.text) == (code, span)
    assert hint in (found.hint or "")


def test_all_mistakes_are_found_at_once() -> None:
    found = Compilation.from_text(TEXT.format(penalty="entropy(kepd) + expected(rom) - entrpy(kept)")).check()
    assert [d.code for d in found] == ["unknown-decision", "unknown-measure", "unknown-term"]


@pytest.mark.parametrize(
    "penalty",
    [
        "0.1 * expected(ram, all = kept) / 1G + consistency(kept) - ramp(entropy(edge))",
        "abs(0.8 - expected(ram) / expected(ram, all = kept))",
        "-expected(params) / 2M",
        "expected(activations) * 3",
    ],
)
def test_a_penalty_of_the_space_is_right(penalty: str) -> None:
    assert Compilation.from_text(TEXT.format(penalty=penalty)).check() == []


def test_decisions_of_cells() -> None:
    text = TEXT.replace("import dints", "import nas_unet").replace("dints(blocks = 2, depths = 2", "nas_unet(depth = 2")
    assert Compilation.from_text(text.format(penalty="entropy(down_sc) + entropy(up_sc.s)")).check() == []
    (found,) = Compilation.from_text(text.format(penalty="entropy(up_sc.t)")).check()
    assert found.code == "unknown-decision"


def test_no_torch_is_loaded() -> None:
    code = f"""if True:
        import sys
        from nascompile.compilation import Compilation
        assert len(Compilation.from_text({TEXT.format(penalty="entropy(kepd)")!r}).check()) == 1
        print("torch" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "False"

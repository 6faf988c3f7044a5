"""`stage analog`: what it says, what it leaves to others, and its mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.jobs.analog_step import stage_of

Opened = Callable[..., Compilation]


def codes(text: Compilation) -> list[str]:
    return [d.code for d in text.check()]


def test_fields_and_what_is_left_out(opened: Opened) -> None:
    text = opened("    budget       = 6 steps\n", "    noise = 0.1\n    clip_sigma = none\n")
    stage = text.search().analog
    assert stage is not None and codes(text) == []
    assert stage.device == "pcm" and stage.programmings == 2
    assert (stage.noise, stage.clip_sigma, stage.overrides) == (0.1, None, {"noise", "clip_sigma"})
    assert stage.times == (("1 s", 1.0), ("1 month", 2592000.0))
    assert stage.training.budget.amount == 20 and stage.training.budget.unit == "epochs"
    assert stage.training.optimiser.options["lr"] == 0.02
    assert (stage.training.batch, stage.training.clip) == (2, None)  # as in the search


def test_settings_reach_the_stage_also_where_there_is_none(opened: Opened) -> None:
    stage = opened("", "", "analog.budget=2 epochs", "analog.device=cmo", "seed=7").search().analog
    assert stage is not None
    assert (stage.device, stage.training.budget.amount, stage.training.seed) == ("cmo", 2, 7)
    text = opened("  stage analog {", "  stage train {", "train.programmings=3")
    assert codes(text)
    bare = opened("stage analog {\n    weights      = sgd(lr = 0.02, momentum = 0.9)\n    budget       = 6 steps\n"
                  "    programmings = 2\n    times        = [1 s, 1 month]\n  }", "")  # fmt: skip
    assert bare.search().analog is None
    assert stage_of(bare, "first").device == "pcm"
    assert stage_of(bare, "first").training.budget.amount == 20
    assert stage_of(bare, None).training.optimiser.name == "adamw"


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("device = pmc", "unknown-device"),
        ("programmings = 1", "bad-value"),
        ("times = [1 s, 1 s]", "bad-value"),
        ("times = [1 hour, 60 minutes]", "bad-value"),
        ("times = [1 epoch]", "wrong-unit"),
        ("times = 3", "missing-unit"),
        ("times = -1 s", "bad-value"),
        ("device = reram\n times = [1 day, 1 hour]", "unknown-time"),
        ("noise = 3 days", "unit"),
        ("clip_sigma = 0", "bad-value"),
        ("nois = 0.1", "unknown-field"),
        ("keep = [choices(1)]", "unknown-field"),
    ],
)
def test_mistakes_at_their_place(opened: Opened, new: str, code: str) -> None:
    text = opened("programmings = 2\n    times        = [1 s, 1 month]", new)
    found = text.check()
    assert [d.code for d in found] == [code]
    assert found[0].primary is not None and found[0].primary.span.text in new


def test_several_mistakes_at_once(opened: Opened) -> None:
    text = opened("programmings = 2\n    times        = [1 s, 1 month]", "device = pmc\n    times = 3\n    nois = 1")
    assert sorted(codes(text)) == ["missing-unit", "unknown-device", "unknown-field"]


def test_a_near_name_of_a_stage(opened: Opened) -> None:
    found = opened("stage analog {", "stage analogue {").check()
    assert found[0].code == "unknown-stage" and "`analog`" in str(found[0].hint)


def test_times_of_the_text_give_way_to_a_device_that_does_not_know_them(opened: Opened) -> None:
    assert stage_of(opened(), "first", "cmo").times == (("1 s", 1.0), ("1 month", 2592000.0))
    assert stage_of(opened(), "first", "reram").times is None


def test_a_device_file_lies_beside_the_text_and_goes_into_the_run(demo: Path, tmp_path: Path) -> None:
    from tiny_bench import TEXT

    from nascompile.jobs.folder import reopen, write_spec
    from nascompile.runs import create

    (tmp_path / "mine.yaml").write_text(
        "format: nascompile analog device 1\nlike: pcm\nname: mine\ntile:\n  inputs: 16\n", encoding="utf-8"
    )
    path = tmp_path / "tiny.nas"
    path.write_text(TEXT.replace("stage analog {", 'stage analog {\n    device = "mine.yaml"'), encoding="utf-8")
    text = Compilation.from_path(path, demo)
    assert text.check() == []
    run = create(tmp_path / "runs", "r", note=None, record={"data": str(demo), "search": "first"})
    write_spec(run, text, "first")
    (tmp_path / "mine.yaml").unlink()
    from nascompile.analog.device import load_device

    again = reopen(run)
    stage = stage_of(again, "first")
    device = load_device(stage.device, again.folder)
    assert device.name == "mine" and device.tile == (16, 256)

"""The page of a run: complete, closed, free of anything from elsewhere; in a browser where there is one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from sampling_process import LADDER, prepare

from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.files import write_text
from nascompile.jobs.folder import record_of, write_spec
from nascompile.jobs.front import Goal, write_outcome
from nascompile.report.html import page
from nascompile.runs import Run, write_json
from nascompile.search.strategy import Trial
from nascompile.syntax import nodes as ast

VOID = {"meta", "link", "br", "hr", "img", "input"}
GOALS = (Goal("a", -1, ast.Name("a")), Goal("b", 1, ast.Name("b")))


class Reader(HTMLParser):
    """Checks that elements close; collects elements with attributes, and the text of scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Trial]]:
    """A run folder as a search of two objectives leaves it."""
    folder = tmp_path_factory.mktemp("run")
    loop, evaluation = prepare(folder, "random")
    trials = loop.run(evaluation, lambda number, ended: number >= 12, lambda trial: None)
    run = Run(folder)
    text = Compilation.from_text(LADDER, "ladder.nas", folder)
    write_json(run.path("run.json"), {**record_of(text, "search", None), "step": "searched"})
    write_spec(run, text, None)
    write_outcome(run, trials, GOALS, None)
    write_json(run.path("environment.json"), {"packages": {"torch": "2.13"}, "threads": 1})
    write_text(run.path("note.txt"), "<script>alert(1)</script>")
    return run, trials


def test_every_complete_trial_is_a_dot_with_its_details(searched: tuple[Run, list[Trial]]) -> None:
    run, trials = searched
    reader = read(page(run, [], []))
    dots = {attrs["data-trial"] for tag, attrs in reader.elements if tag == "circle"}
    assert dots == {str(t.number) for t in trials if t.state == "complete"}
    details = json.loads(reader.scripts[0])
    assert set(details) == {str(t.number) for t in trials}
    assert all(details[key]["genotype"].startswith("genotype trial : ladder") for key in dots)
    kinds = [attrs.get("class") for tag, attrs in reader.elements if tag == "circle"]
    assert kinds.count("dot knee") == 1


def test_the_page_needs_nothing_from_elsewhere(searched: tuple[Run, list[Trial]]) -> None:
    text = page(searched[0], ["network", "dice"], [["searched", "0.9"]])
    reader = read(text)
    addresses = [attrs.get("src") or attrs.get("href") for _, attrs in reader.elements]
    assert all(a is None or a.startswith("data:image/svg+xml;base64,") for a in addresses)
    assert "http://www.w3.org" not in re.sub(r'xmlns="[^"]*"', "", text)
    assert "alert(1)" not in "".join(reader.scripts)
    assert "&lt;script&gt;alert(1)" in text
    assert {attrs.get("id") for tag, attrs in reader.elements if tag == "h2"} == {
        "compared", "front", "convergence", "genotype", "failures", "environment", "text",
    }  # fmt: skip


def test_a_drawing_is_an_image_in_which_nothing_runs(searched: tuple[Run, list[Trial]]) -> None:
    run, _ = searched
    drawing = '<svg xmlns="x"><rect onload="alert(2)"/></svg>'
    write_text(run.path("cell_up.svg"), drawing)
    text = page(run, [], [])
    run.path("cell_up.svg").unlink()
    assert "alert(2)" not in text
    images = {attrs["alt"]: attrs["src"] or "" for tag, attrs in read(text).elements if tag == "img"}
    assert b64decode(images["cell_up"].partition(",")[2]).decode() == drawing


def test_a_broken_run_is_a_message(tmp_path: Path) -> None:
    write_json(tmp_path / "run.json", {})
    write_json(tmp_path / "trials.json", {"trials": [{"trial": 0}]})
    with pytest.raises(NasError, match="unreadable-run"):
        page(Run(tmp_path), [], [])


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("chromium") or shutil.which("google-chrome")), reason="no browser")
def test_a_browser_shows_what_is_pointed_at(searched: tuple[Run, list[Trial]], tmp_path: Path) -> None:
    run, trials = searched
    number = next(t.number for t in trials if t.state == "complete")
    text = page(run, [], [])
    probe = (
        f"<script>document.querySelector('.dot[data-trial=\"{number}\"]').dispatchEvent(new Event('mouseenter'));"
        "document.title = document.querySelector('#details h3').textContent</script>"
    )
    path = tmp_path / "page.html"
    path.write_text(text.replace("</body>", f"{probe}</body>"), encoding="utf-8")
    browser = shutil.which("chromium") or shutil.which("google-chrome") or ""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    assert f"<title>trial {number}</title>" in done.stdout, done.stderr
    assert f"<h3>trial {number}</h3>" in done.stdout

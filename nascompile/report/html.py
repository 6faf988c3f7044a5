"""The page of a run: one HTML file with everything in it. Layout in `templates/report/page.html.j2`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nascompile import __version__
from nascompile.diagnostics import error
from nascompile.report.analog_page import analog_parts
from nascompile.report.plots import Dot, curve, scatter
from nascompile.resources import resource
from nascompile.runs import Run, read_json

PAGE = "report.html"


def page(run: Run, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The page as HTML; `columns` and `rows` are the table of compared networks, empty where there is none yet.

    What the run does not have is left out. Raises NasError (`unreadable-run`) for a broken file of the run.
    """
    environment = Environment(
        loader=FileSystemLoader(resource("templates/report")), undefined=StrictUndefined, autoescape=True,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    try:
        return _filled(environment, run, columns, rows)
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        message = f"the files of the run `{run.name}` do not fit together: {cause}"
        raise error("unreadable-run", message, hint="search again, or resume the search") from cause


def _filled(environment: Environment, run: Run, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    front = _optional(run, "front.json")
    trials = list(_optional(run, "trials.json").get("trials", ()))
    analog = analog_parts(run)
    return environment.get_template("page.html.j2").render(
        name=run.name,
        note=run.note(),
        version=__version__,
        record=run.record(),
        columns=list(columns),
        rows=[list(row) for row in rows],
        objectives=list(front.get("objectives", ())),
        front=list(front.get("front", ())),
        knee=front.get("knee", ""),
        reference=list(front.get("reference", ())),
        plots=[Markup(text) for text in _plots(front, trials)],
        course=Markup(_course(front, trials)),
        states={state: sum(t["state"] == state for t in trials) for state in ("complete", "rejected", "failed")},
        failures=[t for t in trials if t["error"]],
        details={str(t["trial"]): t for t in trials},
        analog=analog,
        drawings={part.picture: _drawing(run.path(part.picture)) for part in analog},
        curves=_drawing(run.path("curves.svg")) if not trials else "",
        cells=[(path.stem, _drawing(path)) for path in sorted(run.folder.glob("cell_*.svg"))],
        genotype=_text(run.path("genotype.nas")),
        spec=_text(run.path("spec.nas")),
        environment=_flat(_optional(run, "environment.json")),
    )


def _optional(run: Run, name: str) -> dict[str, Any]:
    return read_json(run.path(name)) if run.path(name).exists() else {}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def _drawing(path: Path) -> str:
    """An SVG file as an address: as an image its styles stay its own, and nothing in it can run."""
    if not path.exists():
        return ""
    return "data:image/svg+xml;base64," + b64encode(path.read_bytes()).decode("ascii")


def _plots(front: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first objective against each other one; with one objective none."""
    names = [goal["name"] for goal in front.get("objectives", ())]
    members = {member["trial"]: member["name"] for member in front.get("front", ())}
    done = [t for t in trials if t["state"] == "complete"]
    found = []
    for other in names[1:] if done else ():
        dots = []
        for trial in sorted(done, key=lambda t: t["trial"] in members):
            label = members.get(trial["trial"])
            kind = "knee" if label and label == front["knee"] else "member" if label else "other"
            words = ", ".join(f"{name} {value:.4g}" for name, value in trial["values"].items())
            title = f"{label or 'trial'} {'' if label else trial['trial']}: {words}".replace(" :", ":")
            dots.append(Dot(trial["values"][other], trial["values"][names[0]], kind, title, str(trial["trial"])))
        stairs = sorted((t["values"][other], t["values"][names[0]]) for t in done if t["trial"] in members)
        found.append(scatter(dots, other, names[0], stairs if len(names) == 2 else ()))
    return found


def _course(front: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> str:
    """The hypervolume over trials; with one objective its best value so far."""
    goals = front.get("objectives", ())
    if not goals:
        return ""
    if len(goals) > 1:
        return curve(front["trace"], "trial", "hypervolume")
    best = max if goals[0]["direction"] == "maximize" else min
    values: list[float] = []
    for trial in trials:
        if trial["state"] == "complete":
            value = trial["values"][goals[0]["name"]]
            values.append(best(values[-1], value) if values else value)
    return curve(values, "complete trial", f"best {goals[0]['name']}") if values else ""


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in data.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name} ")
        else:
            found[prefix + name] = "" if value is None else str(value)
    return found

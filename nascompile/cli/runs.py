"""`nascompile runs`: the runs of a folder."""

from __future__ import annotations

import json
import time

from nascompile import runs as folders
from nascompile.cli import options
from nascompile.cli.guard import guarded
from nascompile.diagnostics import NasError


@guarded
def runs(root: options.Runs = options.RUNS, json_: options.Json = False) -> None:
    """List runs, the newest last."""
    rows = [_row(run) for run in folders.all_runs(root)]
    if json_:
        print(json.dumps(rows, indent=1))
        return
    if not rows:
        print(f"no runs in {root}")
        return
    from nascompile.report.tables import show_table

    columns = list(rows[0])
    show_table("", columns, ([row[c] for c in columns] for row in rows), right=["value"])


def _row(run: folders.Run) -> dict[str, str]:
    try:
        record = run.record()
    except NasError as failure:
        return dict.fromkeys(("name", "spec", "command", "step", "value", "started", "note"), "") | {
            "name": run.name,
            "step": failure.diagnostics[0].message,
        }
    value = record.get("value")
    return {
        "name": run.name,
        "spec": str(record.get("spec", "")),
        "command": str(record.get("command", "")),
        "step": str(record.get("step", "")),
        "value": "" if value is None else f"{record.get('metric')} {value:.3f}",
        "started": time.strftime("%Y-%m-%d %H:%M", time.localtime(record.get("created", 0))),
        "note": run.note(),
    }

"""The parse tables of grammars/nas-1.lark, as `nascompile.syntax.generate` wrote them.

They are empty where the file does not exist yet, so that `generate` can be run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("nas-1.tables.json")

_tables: dict[str, Any] = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}

# The number of the start state and of the accepting state of `module` and of `expression`.
STARTS: dict[str, int] = _tables.get("starts", {})
ENDS: list[int] = _tables.get("ends", [])
# The texts that stand for themselves -> their token; the patterns of the other tokens, in the order they are tried.
LITERALS: dict[str, str] = _tables.get("literals", {})
PATTERNS: list[tuple[str, str]] = [(name, pattern) for name, pattern in _tables.get("patterns", [])]
# (what it reduces to, how many symbols, the Builder's method, the child of each argument or None for an absent part)
RULES: list[tuple[str, int, str | None, list[int | None]]] = [tuple(row) for row in _tables.get("rules", [])]
# For each state: token -> the state after it, or ~rule to reduce; and what was reduced -> the state after it.
ACTIONS: list[dict[str, int]] = _tables.get("actions", [])
GOTOS: list[dict[str, int]] = _tables.get("gotos", [])

"""Turns grammars/nas-1.lark into nas-1.tables.json: `python -m nascompile.syntax.generate`.

Lark analyses the grammar; what it found is written as JSON, so that a run of nascompile neither imports lark nor
unpickles anything. The states are numbered by a breadth-first walk: the same grammar gives the same bytes.
"""

from __future__ import annotations

import json
import keyword
from typing import Any

from nascompile.resources import resource
from nascompile.syntax.tables import PATH

STARTS = ("module", "expression")

# From the most particular to the most general: the first pattern that matches at a place wins.
_PATTERNS = ("QUANTITY", "NUMBER", "INT", "NAME", "STRING", "COMMENT", "_NL")


def tables_text(grammar: str) -> str:
    """The text of nas-1.tables.json for a grammar.

    Raises lark.exceptions.GrammarError if the grammar is wrong or has a conflict.
    """
    from lark import Lark
    from lark.grammar import NonTerminal
    from lark.parsers.lalr_analysis import LALR_Analyzer, Shift

    lark = Lark(grammar, parser="lalr", start=list(STARTS), maybe_placeholders=True)
    analyzer: Any = LALR_Analyzer(lark.parser.parser_conf, debug=True, strict=True)
    analyzer.compute_lalr()
    states = analyzer.parse_table.states
    rules = sorted(
        {arg for row in states.values() for action, arg in row.values() if action is not Shift},
        key=lambda rule: (rule.origin.name, [symbol.name for symbol in rule.expansion]),
    )
    rule_number = {rule: number for number, rule in enumerate(rules)}
    order = _breadth_first(states, [analyzer.parse_table.start_states[start] for start in STARTS], Shift)
    nonterminals = {rule.origin.name for rule in lark.rules}
    rows = []
    gotos = []
    for state in order:
        actions, goto = {}, {}
        for symbol, (action, arg) in sorted(states[state].items()):
            if symbol in nonterminals:
                goto[str(symbol)] = order[arg]
            else:
                actions[str(symbol)] = order[arg] if action is Shift else ~rule_number[arg]
        rows.append(actions)
        gotos.append(goto)
    rule_rows = [
        (
            str(rule.origin.name),
            len(rule.expansion),
            _method(rule),
            _kept(rule, NonTerminal),
        )
        for rule in rules
    ]
    literals, patterns = {}, {}
    for terminal in lark.terminals:
        if type(terminal.pattern).__name__ == "PatternStr":
            literals[str(terminal.pattern.value)] = str(terminal.name)
        else:
            patterns[str(terminal.name)] = terminal.pattern.to_regexp()
    for name in ("COMPARISON", "TIMES"):
        for text in patterns.pop(name).removeprefix("(?:").removesuffix(")").split("|"):
            literals[text] = name
    return _json(
        starts={start: number for number, start in enumerate(STARTS)},
        ends=[order[analyzer.parse_table.end_states[start]] for start in STARTS],
        literals=dict(sorted(literals.items())),
        patterns=[(name, patterns[name]) for name in _PATTERNS],
        rules=rule_rows,
        actions=rows,
        gotos=gotos,
    )


def _json(**tables: Any) -> str:
    """One line for each row, so that a change of the grammar can be read as a diff."""
    parts = []
    for name, table in tables.items():
        if isinstance(table, dict):
            rows = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in table.items()]
            parts.append(f'"{name}": {{\n' + ",\n".join(rows) + "\n}")
        else:
            parts.append(f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in table) + "\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _breadth_first(states: Any, starts: list[Any], shift: Any) -> dict[Any, int]:
    order: dict[Any, int] = {}
    queue = list(starts)
    for state in queue:
        if state in order:
            continue
        order[state] = len(order)
        queue.extend(arg for _, (action, arg) in sorted(states[state].items(), key=lambda kv: kv[0]) if action is shift)
    return order


def _method(rule: Any) -> str | None:
    """The method of Builder that a rule calls.

    None where the rule only hands on its one child, "*" where it collects the repeated children of another rule.
    """
    name = str(rule.origin.name)
    if name.startswith("__"):
        return "*"
    if rule.options.expand1 and rule.alias is None and len(rule.expansion) == 1:
        return None
    method = str(rule.alias or name)
    return f"{method}_" if keyword.iskeyword(method) else method


def _kept(rule: Any, nonterminal: Any) -> list[int | None]:
    """Indices of the children that reach the method; None where an optional part of the rule is missing."""
    empty = rule.options.empty_indices or (False,) * len(rule.expansion)
    kept: list[int | None] = []
    position = 0
    for is_missing in empty:
        if is_missing:
            kept.append(None)
            continue
        symbol = rule.expansion[position]
        if isinstance(symbol, nonterminal) or not (symbol.filter_out or symbol.name.startswith("_")):
            kept.append(position)
        position += 1
    assert position == len(rule.expansion)
    return kept


def main() -> None:
    PATH.write_text(tables_text(resource("grammars/nas-1.lark").read_text("utf-8")), "utf-8")
    print(f"wrote {PATH}")


if __name__ == "__main__":
    main()

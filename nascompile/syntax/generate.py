"""Turns grammars/nas-1.lark into _nas1_tables.py: `python -m nascompile.syntax.generate`.

Lark analyses the grammar; what it found is written as plain Python literals, so that a run of nascompile neither imports
lark nor unpickles anything. The states are numbered by a breadth-first walk: the same grammar gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nascompile.resources import resource

STARTS = ("module", "expression")
TARGET = Path(__file__).parent / "_nas1_tables.py"

# From the most particular to the most general: the first pattern that matches at a place wins.
_PATTERNS = ("QUANTITY", "NUMBER", "INT", "NAME", "STRING", "COMMENT", "_NL")


def tables_text(grammar: str) -> str:
    """The text of _nas1_tables.py for a grammar. Raises lark.exceptions.GrammarError if it is wrong or ambiguous."""
    from lark import Lark
    from lark.grammar import NonTerminal
    from lark.parsers.lalr_analysis import LALR_Analyzer, Shift

    lark = Lark(grammar, parser="lalr", start=list(STARTS), maybe_placeholders=True)
    analyzer: Any = LALR_Analyzer(lark.parser.parser_conf, debug=True, strict=True)  # type: ignore[attr-defined]
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
    parts = [
        '"""Parse tables of grammars/nas-1.lark. Written by `python -m nascompile.syntax.generate`; do not edit."""',
        "",
        f"STARTS = {dict(zip(STARTS, range(len(STARTS)), strict=True))!r}",
        f"ENDS = {[order[analyzer.parse_table.end_states[start]] for start in STARTS]!r}",
        "# the texts that stand for themselves, and the patterns of the others in the order they are tried",
        f"LITERALS = {dict(sorted(literals.items()))!r}",
        f"PATTERNS = {[(name, patterns[name]) for name in _PATTERNS]!r}",
        "# (what it reduces to, how many symbols, the Builder's method, where each argument comes from: None is `not written`)",
        "RULES = [",
        *(f"    {row!r}," for row in rule_rows),
        "]",
        "# for each state: token -> the state after it, or ~rule to reduce",
        "ACTIONS = [",
        *(f"    {row!r}," for row in rows),
        "]",
        "GOTOS = [",
        *(f"    {row!r}," for row in gotos),
        "]",
        "",
    ]
    return "\n".join(parts)


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
    """The method of Builder that a rule calls; None where the one child is handed on, "*" where children are collected."""
    name = str(rule.origin.name)
    if name.startswith("__"):
        return "*"
    if rule.options.expand1 and rule.alias is None and len(rule.expansion) == 1:
        return None
    return str(rule.alias or name)


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
    TARGET.write_text(tables_text(resource("grammars/nas-1.lark").read_text("utf-8")), "utf-8")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()

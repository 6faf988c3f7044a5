"""Where lines break: a text with optional line breaks, laid out in a given width.

The algebra is Wadler's ("A prettier printer", 2003). A document is a str, a tuple of documents (one after
the other) or one of the classes below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A possible line break; `flat` is what stands there if the line is not broken. A hard one always breaks."""

    flat: str = " "
    is_hard: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Either all its own lines break or none; none if it fits."""

    body: Doc


@dataclass(frozen=True, slots=True)
class Indent:
    """Lines that begin inside start two columns further right."""

    body: Doc


@dataclass(frozen=True, slots=True)
class IfBroken:
    """`text` if the group around it is broken, else nothing."""

    text: str


Doc = str | tuple["Doc", ...] | Line | Group | Indent | IfBroken

LINE = Line()
SOFT = Line("")
HARD = Line("", is_hard=True)

# (indentation, whether the lines of the group around it break, document), the next one last
_Work = list[tuple[int, bool, Doc]]


def lay_out(doc: Doc, width: int, indent: int = 0) -> str:
    """The text of a document whose first line starts at column `indent`, without blanks at line ends."""
    parts: list[str] = []
    column = indent
    work: _Work = [(indent, True, doc)]
    while work:
        level, broken, item = work.pop()
        if isinstance(item, str):
            parts.append(item)
            column += len(item)
        elif isinstance(item, tuple):
            work.extend((level, broken, part) for part in reversed(item))
        elif isinstance(item, Line):
            if broken or item.is_hard:
                parts.append("\n" + " " * level)
                column = level
            else:
                parts.append(item.flat)
                column += len(item.flat)
        elif isinstance(item, Group):
            work.append((level, not _fits(item.body, width - column, work), item.body))
        elif isinstance(item, Indent):
            work.append((level + 2, broken, item.body))
        elif broken:
            parts.append(item.text)
            column += len(item.text)
    return "\n".join(line.rstrip() for line in "".join(parts).split("\n"))


def _fits(doc: Doc, room: int, rest: _Work) -> bool:
    """Whether a document fits flat into `room` columns, with what follows it up to the next possible line break."""
    work: _Work = [(0, False, doc)]
    following = len(rest)
    while room >= 0:
        if not work:
            if following == 0:
                return True
            following -= 1
            work.append(rest[following])
        _, broken, item = work.pop()
        if isinstance(item, str):
            room -= len(item)
        elif isinstance(item, tuple):
            work.extend((0, broken, part) for part in reversed(item))
        elif isinstance(item, Line):
            if broken:
                return True
            if item.is_hard:
                return False
            room -= len(item.flat)
        elif isinstance(item, Group | Indent):
            work.append((0, broken, item.body))
        elif broken:
            room -= len(item.text)
    return False


def fill(items: Sequence[Doc]) -> Doc:
    """Items with blanks between them, and a line break instead of a blank where the next item does not fit."""
    return (*items[:1], *(Group((LINE, item)) for item in items[1:]))

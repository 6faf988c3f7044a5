"""The comments of a module, handed out to whoever writes the text around them, each once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from nascompile.syntax.nodes import Comment


class Comments:
    """Has state: which comments are still to be written."""

    def __init__(self, comments: Sequence[Comment]):
        self._comments = sorted(comments, key=lambda comment: comment.span.start)
        self._starts = [comment.span.start for comment in self._comments]
        self._open = [True] * len(self._comments)

    def take(self, start: int, end: int, own_line: bool = True) -> list[Comment]:
        """The comments between two offsets that are not written yet; with `own_line = False` only those behind code."""
        taken = []
        for index in range(bisect_left(self._starts, start), bisect_left(self._starts, end)):
            comment = self._comments[index]
            if self._open[index] and (own_line or not comment.own_line):
                self._open[index] = False
                taken.append(comment)
        return taken

    def any_left(self, start: int, end: int) -> bool:
        """Whether a comment between two offsets is not written yet."""
        return any(self._open[bisect_left(self._starts, start) : bisect_left(self._starts, end)])

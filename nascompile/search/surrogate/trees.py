"""Regression trees as plain numbers, so that a model can be read, checked and evaluated without what fitted it.

Libraries drop their old formats (files of boosted trees from 2023 no longer load in today's); five lists a tree stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree over a vector of numbers. Node i asks whether column `feature[i]` is at most `threshold[i]`.

    `left` (yes) and `right` (no) are the next nodes, always later ones, or for a negative n the leaf `-n - 1`, whose
    answer is `value[-n - 1]`. A tree without nodes answers `value[0]`.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]

    def at(self, row: Sequence[float]) -> float:
        """The answer for a vector."""
        place = 0 if self.feature else -1
        while place >= 0:
            is_left = row[self.feature[place]] <= self.threshold[place]
            place = self.left[place] if is_left else self.right[place]
        return self.value[-place - 1]

    def mistakes(self, columns: int) -> list[str]:
        """What makes the lists no tree over `columns` numbers; empty for a tree."""
        nodes = len(self.feature)
        if not len(self.threshold) == len(self.left) == len(self.right) == nodes or len(self.value) != nodes + 1:
            return [f"its lists have {nodes} nodes and {len(self.value)} leaves, and other lengths"]
        found = []
        if any(not 0 <= f < columns for f in self.feature):
            found.append(f"it asks for a column that is none of the {columns}")
        for node, targets in enumerate(zip(self.left, self.right, strict=True)):
            if any(not (node < target < nodes or -nodes - 1 <= target < 0) for target in targets):
                found.append(f"node {node} leads to no later node and no leaf")
        return found


Member = tuple[Tree, ...]
"""A boosted ensemble: the sum of its trees."""


def predicted(member: Member, row: Sequence[float]) -> float:
    """What a boosted ensemble says of a vector."""
    return sum(tree.at(row) for tree in member)


def tree_of(structure: Mapping[str, Any]) -> Tree:
    """A tree of LightGBM's `dump_model`, nodes in depth-first order."""
    feature: list[int] = []
    threshold: list[float] = []
    left: list[int] = []
    right: list[int] = []
    value: list[float] = []

    def add(node: Mapping[str, Any]) -> int:
        if "split_feature" not in node:
            value.append(float(node["leaf_value"]))
            return -len(value)
        if node["decision_type"] != "<=":
            raise ValueError(f"a split by `{node['decision_type']}`")
        place = len(feature)
        feature.append(int(node["split_feature"]))
        threshold.append(float(node["threshold"]))
        left.append(0)
        right.append(0)
        left[place] = add(node["left_child"])
        right[place] = add(node["right_child"])
        return place

    add(structure)
    return Tree(tuple(feature), tuple(threshold), tuple(left), tuple(right), tuple(value))

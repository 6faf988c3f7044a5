"""A pytest plugin: which values of the recorded numbers each test reads, and whether it passed.

`json.loads` of a file of `tests/golden` gives mappings and lists that note what a running test takes out of them. A
value is what stands at a key or an index: a number, a word, or a list of them.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "golden"
Place = tuple[str | int, ...]
"""The file's name, then keys and indices."""


class Readings:
    """What was there, what was read by tests that passed, and how the tests of each file went."""

    def __init__(self) -> None:
        self.current: set[Place] | None = None
        self.values: dict[str, set[Place]] = {}
        self.compared: set[Place] = set()
        self.tests: dict[str, dict[str, bool]] = {}
        self._texts = {path.read_text(encoding="utf-8"): path.stem for path in FOLDER.glob("*.json")}
        self._loads = json.loads

    def loads(self, text: Any, *args: Any, **kwargs: Any) -> Any:
        """In place of `json.loads`."""
        name = self._texts.get(text) if isinstance(text, str) else None
        if name is None:
            return self._loads(text, *args, **kwargs)
        self.values[name] = set()
        return self._noting(self._loads(text), (name,))

    def _noting(self, value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            return _Mapping({k: self._noting(v, (*place, k)) for k, v in value.items()}, self, place)
        if isinstance(value, list) and _has_mapping(value):
            return _List([self._noting(v, (*place, i)) for i, v in enumerate(value)], self, place)
        self.values[str(place[0])].add(place)
        return value

    def note(self, value: Any, place: Place) -> None:
        """A test takes what stands there."""
        if self.current is not None and not isinstance(value, (_Mapping, _List)):
            self.current.add(place)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, None]:
        self.current = set()
        outcome = yield
        passed = outcome.excinfo is None
        for name in {str(place[0]) for place in self.current}:
            self.tests.setdefault(name, {})[item.nodeid] = passed
        if passed:
            self.compared |= self.current
        self.current = None


def _has_mapping(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_mapping, value)))


class _Mapping(dict[str, Any]):
    def __init__(self, values: dict[str, Any], readings: Readings, place: Place):
        super().__init__(values)
        self.readings, self.place = readings, place

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        self.readings.note(value, (*self.place, key))
        return value

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401

    def items(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        return ((key, self[key]) for key in dict.keys(self))

    def values(self) -> Iterator[Any]:  # type: ignore[override]
        return (self[key] for key in dict.keys(self))

    def __or__(self, other: Any) -> Any:
        """A case with other settings is still that case."""
        return _Mapping(dict.__or__(self, other), self.readings, self.place)

    def __eq__(self, other: object) -> bool:
        is_equal = bool(dict.__eq__(self, other))
        return is_equal and all(True for _ in self.values())

    __hash__ = None  # type: ignore[assignment]


class _List(list[Any]):
    def __init__(self, values: list[Any], readings: Readings, place: Place):
        super().__init__(values)
        self.readings, self.place = readings, place

    def __getitem__(self, index: Any) -> Any:
        value = super().__getitem__(index)
        if isinstance(index, int):
            self.readings.note(value, (*self.place, index % len(self)))
        return value

    def __iter__(self) -> Iterator[Any]:
        for index, value in enumerate(super().__iter__()):
            self.readings.note(value, (*self.place, index))
            yield value

    __hash__ = None  # type: ignore[assignment]

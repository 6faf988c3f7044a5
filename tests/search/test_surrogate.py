"""Surrogates: what they learn of nets of a shipped space, what they say of nets that they do not know, their files."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.profile.pricing import Pricer
from nascompile.search.surrogate.agreement import agreement
from nascompile.search.surrogate.boosting import boosted
from nascompile.search.surrogate.columns import Encoder
from nascompile.search.surrogate.file import load, read, text_of, write
from nascompile.search.surrogate.fitting import fit
from nascompile.search.surrogate.model import Domain, Surrogate
from nascompile.search.surrogate.trees import Tree, predicted
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace
from nascompile.space.vary import Variation

pytest.importorskip("lightgbm")


class Nets:
    """Drawn nets of `nas_segnet` with their rows and a known target: multiply-accumulates of an activation."""

    def __init__(self, root: Path, classes: int = 2):
        text = Compilation.from_path(root / "specs" / "nas_segnet.nas")
        call = text.call_for(Genotype("nas_segnet", {"classes": classes}, {}))
        self.space: SearchSpace = text.open_space(call, (3, 32, 32))
        self.pricer = Pricer(text.library, self.space)
        self.encoder = Encoder.of(self.space)

    def drawn(self, count: int, seed: int, groups: tuple[int, ...] = (1, 2, 3, 4)) -> list[Genotype]:
        rng, variation = random.Random(seed), Variation(self.space)
        shares = {"m": 0.0}

        def one() -> Genotype:
            shares["m"] = (rng.choice(groups) - 0.5) / 4
            return variation.stratified(rng, lambda path: shares.get(path, rng.random()))

        return [one() for _ in range(count)]

    def measured(self, genotypes: list[Genotype]) -> tuple[list[tuple[float, ...]], list[float]]:
        prices = [{k: float(v) for k, v in self.pricer.measures(g, PRICES).items()} for g in genotypes]
        rows = [self.encoder.row(g, price) for g, price in zip(genotypes, prices, strict=True)]
        return rows, [price["macs"] / price["activations"] for price in prices]


PRICES = ("params", "macs", "activations")


@pytest.fixture(scope="module")
def nets(root: Path) -> Nets:
    return Nets(root)


@pytest.fixture(scope="module")
def surrogate(nets: Nets) -> Surrogate:
    rows, values = nets.measured(nets.drawn(60, 0))
    return fit("macs / activations", Domain.of(nets.space), rows, values, about={"task": "nuclei"})


def test_trees_say_what_the_library_that_fitted_them_says(nets: Nets) -> None:
    import lightgbm
    import numpy as np

    from nascompile.search.surrogate.boosting import _OPTIONS
    from nascompile.search.surrogate.trees import tree_of

    rows, values = nets.measured(nets.drawn(40, 1))
    data = lightgbm.Dataset(np.array(rows), np.array(values), free_raw_data=False)
    booster = lightgbm.train({**_OPTIONS, "min_data_in_leaf": 2}, data, num_boost_round=30)
    member = tuple(tree_of(one["tree_structure"]) for one in booster.dump_model()["tree_info"])
    others, _ = nets.measured(nets.drawn(40, 2))
    said = booster.predict(np.array(others))
    assert [predicted(member, row) for row in others] == pytest.approx(list(said), rel=1e-12)
    assert len(set(said)) > 20
    assert boosted(rows, values, 3) == boosted(rows, values, 3)
    assert boosted(rows, values, 3) != boosted(rows, values, 4)


def test_nets_that_took_no_part_are_put_in_order(nets: Nets, surrogate: Surrogate) -> None:
    rows, values = nets.measured(nets.drawn(60, 7))
    forecasts = [surrogate.forecast(row) for row in rows]
    found = agreement(values, [f.value for f in forecasts])
    assert found.spearman > 0.8
    assert surrogate.held_out.agreement.spearman > 0.8
    assert abs(found.kendall - surrogate.held_out.agreement.kendall) < 0.2, "held-out nets tell what new ones will"
    covered = sum(abs(v - f.value) <= f.half for v, f in zip(values, forecasts, strict=True)) / len(values)
    assert 0.75 <= covered < 1.0
    shuffled = agreement(values, random.Random(0).sample([f.value for f in forecasts], len(forecasts)))
    assert abs(shuffled.spearman) < 0.4


def test_nets_of_a_region_without_fitted_nets_are_told(nets: Nets) -> None:
    shallow = nets.drawn(50, 3, (1, 2))
    made = fit("macs / activations", Domain.of(nets.space), *nets.measured(shallow))
    known = [made.forecast(row) for row in nets.measured(nets.drawn(40, 4, (1, 2)))[0]]
    deep = [made.forecast(row) for row in nets.measured(nets.drawn(40, 5, (4,)))[0]]
    assert sum(f.novelty <= 1 for f in known) >= 30
    assert sum(f.is_known for f in deep) == 0
    assert min(f.novelty for f in deep) > 1 and min(f.outside for f in deep) > 0.05


def test_columns_have_names_and_totals(nets: Nets) -> None:
    genotype = nets.drawn(1, 9, (3,))[0]
    row = nets.encoder.row(genotype, {"params": 1024.0, "macs": 0.0, "activations": 4.0})
    by_name = dict(zip(nets.encoder.names, row, strict=True))
    assert by_name["m"] == 3
    assert by_name["sum r"] == sum(v for p, v in genotype.values.items() if p.startswith("r["))
    assert (by_name["log2 params"], by_name["log2 macs"], by_name["log2 activations"]) == (10.0, 0.0, 2.0)
    assert len(set(nets.encoder.names)) == len(row)


def test_a_file_holds_all_of_it(surrogate: Surrogate, tmp_path: Path) -> None:
    write(tmp_path / "s.json", surrogate)
    again = load(tmp_path / "s.json")
    assert again == surrogate
    assert text_of(again) == (tmp_path / "s.json").read_text(encoding="utf-8")
    equal = fit("t", surrogate.domain, list(surrogate.rows), [1.0] * len(surrogate.rows))
    assert "NaN" not in text_of(equal), "no order, no correlation: null"
    assert str(read(text_of(equal), "x").held_out.agreement) == str(equal.held_out.agreement)


def test_equal_nets_are_one(surrogate: Surrogate) -> None:
    rows, values = list(surrogate.rows), list(surrogate.values)
    twice = fit(surrogate.target, surrogate.domain, [*rows, rows[0]], [*values, values[0] + 2.0])
    assert len(twice.rows) == len(rows)
    assert twice.values[0] == values[0] + 1.0
    with pytest.raises(NasError, match="too-few-nets"):
        fit("t", surrogate.domain, [rows[0]] * 30, values[:30])
    with pytest.raises(NasError, match=r"0 different nets.*name a measure"):  # more trials would not measure it either
        fit("t", surrogate.domain, [], [])


Damage = Callable[[dict[str, Any]], object]
DAMAGES: list[tuple[str, Damage, str, str]] = [
    ("format", lambda d: d.update(format="nascompile surrogate 9"), "does not start with", '"format"'),
    ("unknown", lambda d: d.update(colums=d.pop("columns")), "no field `colums`", '"colums"'),
    ("missing", lambda d: d.pop("target"), "it has no `target`", '"format"'),
    ("type", lambda d: d["uncertainty"].update(factor=-1), "`factor` has a wrong value", '"factor"'),
    ("part", lambda d: d["held_out"].pop("folds"), "`held_out` has no `folds`", '"held_out"'),
    ("row", lambda d: d["nets"][3]["row"].pop(), "net 3 has not", '"nets"'),
    ("column", lambda d: d["members"][1][0]["feature"].__setitem__(0, 999), "tree 0 of member 1", '"members"'),
    ("loop", lambda d: d["members"][0][2]["left"].__setitem__(1, 0), "node 1 leads to no later node", '"members"'),
    ("leaf", lambda d: d["members"][0][2]["right"].__setitem__(0, -99), "no later node and no leaf", '"members"'),
    ("length", lambda d: d["members"][0][2]["value"].pop(), "other lengths", '"members"'),
    ("order", lambda d: d["columns"].reverse(), "the last columns", '"columns"'),
]


@pytest.mark.parametrize(("damage", "message", "caret"), [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES])
def test_a_damaged_file_is_told_at_its_place(surrogate: Surrogate, damage: Damage, message: str, caret: str) -> None:
    data = json.loads(text_of(surrogate))
    damage(data)
    with pytest.raises(NasError) as failure:
        read(json.dumps(data, indent=1), "s.json")
    first = failure.value.diagnostics[0]
    assert first.code == "bad-surrogate"
    assert message in first.message
    assert first.primary is not None and caret in first.primary.span.text


def test_a_text_that_is_no_json_and_one_with_nan_are_told(surrogate: Surrogate) -> None:
    text = text_of(surrogate)
    for broken in (text[:500], text.replace('"factor": ', '"factor": NaN, "x": ', 1), "[]", "[" * 100_000):
        with pytest.raises(NasError, match="bad-surrogate"):
            read(broken, "s.json")
    with pytest.raises(NasError, match="missing-file"):
        load(Path("nowhere.json"))


def test_several_mistakes_of_a_file_are_told_at_once(surrogate: Surrogate) -> None:
    data = json.loads(text_of(surrogate))
    del data["target"]
    data["novelty"]["limit"] = "far"
    with pytest.raises(NasError) as failure:
        read(json.dumps(data), "s.json")
    assert len(failure.value.diagnostics) == 2


def test_another_space_is_refused_and_another_size_is_a_warning(root: Path, nets: Nets, surrogate: Surrogate) -> None:
    assert surrogate.fit_for(nets.space) == []
    assert surrogate.fit_for(Nets(root).space) == [], "compiled again, it is the same space"
    (warning,) = surrogate.fit_for(Nets(root, classes=5).space)
    assert (warning.code, warning.severity) == ("surrogate-of-another-space", "warning")
    surrogate.require(Nets(root, classes=5).space)
    text = Compilation.from_path(root / "specs" / "nas_lung.nas")
    (problem,) = surrogate.fit_for(text.space(next(iter(text.library.own_spaces()))))
    assert (problem.code, problem.severity) == ("surrogate-of-another-space", "error")
    with pytest.raises(NasError, match="another space"):
        replace(surrogate, domain=Domain("x", "", ("a",))).require(nets.space)


def test_a_tree_without_a_question_answers() -> None:
    assert Tree((), (), (), (), (0.5,)).at([1.0]) == 0.5
    assert Tree((), (), (), (), (0.5,)).mistakes(1) == []
    stump = Tree((0,), (2.0,), (-1,), (-2,), (0.1, 0.9))
    assert [stump.at([v]) for v in (1.0, 2.0, 2.5)] == [0.1, 0.1, 0.9], "at most the threshold: left"


def test_reading_and_asking_need_no_library(root: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nsys.modules['lightgbm'] = None\n"
        "from nascompile.search.surrogate import boosting, file, fitting, model\n"
        "from nascompile.diagnostics import NasError\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
        "try:\n    boosting.require_library()\nexcept NasError as e:\n    print(e)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=root, capture_output=True, text=True, encoding="utf-8"
    )
    assert "missing-package" in done.stdout and "nascompile[surrogate]" in done.stdout

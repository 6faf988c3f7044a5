"""Surrogates as measures of a search: `predicted("FILE.json")`, known before a genotype is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nascompile.config.deployed import Forecasted, measures_in
from nascompile.config.search import SearchConfig
from nascompile.diagnostics import Diagnostic, NasError
from nascompile.search.surrogate.columns import Encoder
from nascompile.search.surrogate.file import load
from nascompile.search.surrogate.model import Surrogate
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace


@dataclass(frozen=True, slots=True)
class Forecaster:
    """The surrogates that a search names, by file, with digests of the files. `warnings` say where they are a guess."""

    wanted: tuple[Forecasted, ...]
    surrogates: Mapping[str, Surrogate]
    digests: Mapping[str, str]
    encoder: Encoder | None
    warnings: tuple[Diagnostic, ...]

    def measures(self, genotype: Genotype, known: Mapping[str, float]) -> dict[str, float]:
        """What the surrogates say, by the measure's name; `known` holds the static measures."""
        if self.encoder is None:
            return {}
        row = self.encoder.row(genotype, known)
        said = {file: surrogate.forecast(row) for file, surrogate in self.surrogates.items()}
        value = {"predicted": "value", "uncertainty": "half", "novelty": "novelty"}
        return {one.name: float(getattr(said[one.file], value[one.kind])) for one in self.wanted}


def forecaster_of(config: SearchConfig, folder: Path, space: SearchSpace) -> Forecaster:
    """The surrogates of all objectives and conditions, fit for `space`.

    A file is relative to `folder` (the text's) or else to the working directory. Raises NasError at its place in the
    text (`missing-file`, `surrogate-of-another-space`) or in the file (`bad-surrogate`).
    """
    expressions = [*(o.value for o in config.objectives), *config.where]
    wanted = tuple(dict.fromkeys(m for e in expressions for m in measures_in(e) if isinstance(m, Forecasted)))
    surrogates: dict[str, Surrogate] = {}
    digests: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for one in wanted:
        if one.file in digests:
            continue
        path = folder / one.file if (folder / one.file).is_file() else Path(one.file)
        digests[one.file] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        try:
            surrogates[one.file] = load(path, one.span)
        except NasError as failure:
            problems += failure.diagnostics
        else:
            problems += surrogates[one.file].fit_for(space, one.span)
    if any(d.severity == "error" for d in problems):
        raise NasError(problems)
    return Forecaster(wanted, surrogates, digests, Encoder.of(space) if wanted else None, tuple(problems))

"""Genotypes scored with the weights of a supernet: what the restricted supernet scores, resumed, and refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.modules.batchnorm import BatchNorm2d

from nascompile import runs
from nascompile.backends.supernet import build_supernet
from nascompile.compilation import Compilation
from nascompile.config.sampling import SAMPLED
from nascompile.config.settings import from_argument
from nascompile.data.dataset import batch_at
from nascompile.diagnostics import Diagnostic, NasError
from nascompile.jobs.folder import record_of, write_spec
from nascompile.jobs.inheriting import BATCHES, recalibrate, subnet
from nascompile.jobs.networks import load_weights, save_weights
from nascompile.jobs.sampling import prepare_sampled, search_sampled
from nascompile.jobs.searching import prepare, search
from nascompile.jobs.training import Data
from nascompile.runs import Run, read_json
from nascompile.train.evaluate import evaluate
from nascompile.train.seed import derive

TEXT = """\
nas 1
import std.layers

op cell(c, k, normed) = conv(c, k) -> (batch_norm(affine = fixed) if normed else relu) -> relu
ops choices(c, normed) = small: cell(c, 3, normed)
                       | large: cell(c, 5, normed)
                       | pool: max_pool(3, stride = 1, padding = 1)
space tiny(x: image = [1, 16, 16]; c = 4, normed = false, classes = 3) {
  s[0] = x -> conv(c, 3)
  s[1] = s[0] -> pick one of choices(c, normed)
  y = sum(pick 1 of [s[j] via choices(c, normed) for j in 0 ..< 2])
  y -> conv(classes, 1)
}
narrow slim : tiny { s[1] in [small, pool] }
task cells {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [16, 16]
}
search relaxed : tiny on cells {
  strategy = bilevel
  weights  = adam(lr = 0.01)
  budget   = 4 steps
  batch    = 4
}
search sampled : tiny on cells {
  strategy = random
  budget   = 4 trials
  batch    = 4
  maximize dice
  stage trial { inherit = "one" }
}
"""
NORMED = TEXT.replace("normed = false", "normed = true")
CPU = torch.device("cpu")


def compiled(demo: Path, text: str = TEXT, *settings: str) -> Compilation:
    made = Compilation.from_text(text, "tiny.nas", demo, [from_argument(s) for s in settings])
    assert settings or made.check() == []
    return made


def supernet(folder: Path, name: str, demo: Path, text: str = TEXT, *settings: str) -> Run:
    """A finished run of the relaxed search."""
    made = compiled(demo, text, *settings)
    run = runs.create(folder, name, note=None, record=record_of(made, "search", "relaxed"))
    write_spec(run, made, "relaxed")
    data = Data.of(made.task(search="relaxed"), 0)
    search(prepare(made, "relaxed", data), data, run, digest=made.digest_of("relaxed"), device=CPU, resume=False)
    return run


def sampled(folder: Path, name: str, demo: Path, text: str = TEXT, *settings: str, workers: int = 0) -> Run:
    """A run of the search that tries genotypes, gone on with if it is there."""
    made = compiled(demo, text, *settings)
    run = Run(folder / name) if (folder / name).exists() else runs.create(folder, name, note=None, record={})
    search_sampled(prepare_sampled(made, "sampled", made.task(search="sampled")), run, CPU, workers=workers)
    return run


def scores(run: Run) -> dict[str, float]:
    """The score of each genotype, by its text."""
    return {t["genotype"]: t["values"]["dice"] for t in read_json(run.path("trials.json"))["trials"]}


def refused(folder: Path, demo: Path, text: str, *settings: str) -> Diagnostic:
    with pytest.raises(NasError) as failure:
        sampled(folder, "refused", demo, text, *settings)
    return failure.value.diagnostics[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """A folder of runs: the supernets `one` and, with batch norms, `normed`; a search with the first, `whole`."""
    made = tmp_path_factory.mktemp("runs")
    supernet(made, "one", demo)
    supernet(made, "normed", demo, NORMED)
    sampled(made, "whole", demo)
    return made


@pytest.mark.parametrize("name", ["one", "normed"])
def test_a_score_is_that_of_the_restricted_supernet(name: str, folder: Path, demo: Path) -> None:
    text = NORMED if name == "normed" else TEXT
    made = compiled(demo, text)
    task = made.task(search="sampled")
    run = sampled(folder, f"of_{name}", demo, text, f'trial.inherit="{name}"')
    weights = load_weights(folder / name / "supernet.safetensors")[0]
    data = Data.of(task, 0)
    call = made.search("sampled").space
    net = build_supernet(made.program(call), 5)
    assert net.load_named_weights(weights) == []
    found = scores(run)
    assert len(set(found.values())) > 1
    for written, score in found.items():
        own = compiled(demo, text + written)
        genotype = own.genotype("trial")
        if name == "normed":
            part = subnet(made, genotype, task, weights, 0)
            assert recalibrate(part, data.train, 4, 0, CPU) > 0 or "pool" in written
            net.load_named_weights({**net.named_weights(), **part.state_dict()})
        net.architecture.restrict(genotype.values)
        expected = evaluate(net.eval(), task, data.val, CPU, resamples=1).summaries["dice"].value
        assert score == pytest.approx(expected, abs=1e-4)


def test_batch_norms_take_the_statistics_of_the_subnet_itself(folder: Path, demo: Path) -> None:
    made = compiled(demo, NORMED + "genotype g : tiny {\n  s[1] = large\n  y = [s[1] via small]\n}\n")
    task = made.task(search="sampled")
    data = Data.of(task, 0)
    weights = load_weights(folder / "normed" / "supernet.safetensors")[0]
    net = subnet(made, made.genotype("g"), task, weights, 0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    seen: list[torch.Tensor] = []
    (name, first), *_ = [(n, m) for n, m in net.named_modules() if isinstance(m, BatchNorm2d)]
    momentum = first.momentum
    assert recalibrate(net, data.train, 4, 0, CPU) == 2
    assert not net.training and not first.training and first.momentum == momentum
    hook = first.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    for step in range(BATCHES):
        net(batch_at(data.train, 4, derive(0, 11), step).image)
    hook.remove()
    means = torch.stack([x.mean((0, 2, 3)) for x in seen]).mean(0)
    variances = torch.stack([x.transpose(0, 1).flatten(1).var(1) for x in seen]).mean(0)
    torch.testing.assert_close(first.running_mean, means, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(first.running_var, variances, rtol=1e-4, atol=1e-5)
    after = net.state_dict()
    assert not torch.equal(after[f"{name}.running_mean"], before[f"{name}.running_mean"])
    assert all(torch.equal(after[n], v) for n, v in before.items() if n.endswith(("weight", "bias")))


@pytest.mark.parametrize("strategy", sorted(set(SAMPLED) - {"random"}))
def test_every_strategy_scores_alike(strategy: str, folder: Path, demo: Path) -> None:
    settings = (f"strategy={strategy}", "budget=2 trials")
    found = scores(sampled(folder, strategy, demo, TEXT, *settings))
    known = scores(Run(folder / "whole"))
    assert found and all(known.get(genotype, score) == score for genotype, score in found.items())


def test_resumed_and_extended_equals_whole(folder: Path, demo: Path) -> None:
    sampled(folder, "part", demo, TEXT, "budget=2 trials")
    part = sampled(folder, "part", demo)
    for name in ("front.json", "trials.json", "metrics.csv", "genotype.nas"):
        assert part.path(name).read_bytes() == (folder / "whole" / name).read_bytes(), name
    assert part.record()["inherited"]["run"] == "one"


@pytest.mark.slow
def test_workers_change_nothing(folder: Path, demo: Path) -> None:
    many = sampled(folder, "many", demo, workers=2)
    assert many.path("trials.json").read_bytes() == (folder / "whole" / "trials.json").read_bytes()


def test_other_weights_are_another_search(folder: Path, demo: Path) -> None:
    run = supernet(folder, "changing", demo)
    sampled(folder, "before", demo, TEXT, "trial.inherit=changing", "budget=1 trials")
    weights, metadata = load_weights(run.path("supernet.safetensors"))
    save_weights(run.path("supernet.safetensors"), {n: 2 * w for n, w in weights.items()}, metadata)
    with pytest.raises(NasError) as failure:
        sampled(folder, "before", demo, TEXT, "trial.inherit=changing")
    assert failure.value.diagnostics[0].code == "study-of-another-search"
    assert "inherited weights" in failure.value.diagnostics[0].message


def test_inherited_weights_may_be_tuned(folder: Path, demo: Path) -> None:
    plain = scores(Run(folder / "whole"))
    tuned = scores(sampled(folder, "tuned", demo, TEXT, "trial.budget=1 steps", "trial.weights=sgd(lr = 1e-7)"))
    trained = scores(sampled(folder, "trained", demo, TEXT, "trial.budget=2 steps", "trial.weights=sgd(lr = 0.5)"))
    assert trained != pytest.approx(plain, abs=1e-3)
    scratch = scores(sampled(folder, "scratch", demo, TEXT.replace('inherit = "one"', "budget = 1 steps")))
    assert tuned.keys() == plain.keys() == scratch.keys()
    assert tuned == pytest.approx(plain, abs=1e-3)  # so small a step changes next to nothing
    assert scratch != pytest.approx(plain, abs=1e-3)


def test_what_cannot_be_inherited_is_refused_at_its_place(folder: Path, demo: Path) -> None:
    unknown = refused(folder, demo, TEXT.replace('"one"', '"onne"'))
    assert (unknown.code, unknown.hint) == ("unknown-run", "did you mean `one`?")
    assert unknown.primary is not None and unknown.primary.span.text == '"onne"'
    runs.create(folder, "unfinished", note=None, record={})
    assert refused(folder, demo, TEXT.replace('"one"', "unfinished")).code == "no-supernet"
    of_equal_shapes = TEXT.replace("relu) -> relu", "relu) -> elu")
    for other in (TEXT.replace("c = 4", "c = 6"), TEXT.replace("cell(c, 5", "cell(c, 3"), NORMED, of_equal_shapes):
        assert refused(folder, demo, other).code == "supernet-of-another-space"
    damaged = supernet(folder, "damaged", demo).path("supernet.safetensors")
    damaged.write_bytes(damaged.read_bytes()[:200])
    assert refused(folder, demo, TEXT.replace('"one"', "damaged")).code == "unreadable-weights"


def test_a_narrowed_supernet_serves_a_search_that_is_narrowed_alike(folder: Path, demo: Path) -> None:
    supernet(folder, "slim", demo, TEXT, "narrowing=slim")
    text = TEXT.replace('"one"', "slim")
    problem = refused(folder, demo, text)
    assert problem.code == "supernet-of-another-space"
    assert "`s[1].large.cell.conv`" in problem.message and "narrowing" in (problem.hint or "")
    found = scores(sampled(folder, "narrowed", demo, text, "narrowing=slim"))
    assert all("s[1] = large" not in genotype for genotype in found)
    # The whole supernet serves the narrowed search, too.
    assert scores(sampled(folder, "narrowed_whole", demo, TEXT, "narrowing=slim"))


def test_a_supernet_of_other_patches_and_elsewhere_is_found_by_its_path(tmp_path: Path, demo: Path) -> None:
    runs_folder = tmp_path / "elsewhere"
    supernet(runs_folder, "large", demo, TEXT, "patch=[24, 24]", "budget=1 steps")
    path = (runs_folder / "large").as_posix()
    assert scores(sampled(tmp_path / "runs", "a", demo, TEXT.replace('"one"', f'"{path}"'), "budget=1 trials"))


def test_only_inherited_weights_need_no_training(demo: Path) -> None:
    text = TEXT.replace('inherit = "one"', "budget = 0 steps")
    found = Compilation.from_text(text, "tiny.nas", demo).check()
    assert [(d.code, d.primary.span.text if d.primary else "") for d in found] == [("bad-value", "0 steps")]

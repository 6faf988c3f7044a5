"""Fixed networks are plain modules: traceable, exportable with free batch and image sizes, without dead weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from nascompile.backends.pytorch import build
from nascompile.backends.supernet import build_supernet
from nascompile.diagnostics import NasError
from nascompile.ir.program import Program


def test_no_dead_weights(shipped: Any) -> None:
    net = build(shipped.program(shipped.cheapest().values, is_fixed=True))
    found = net(torch.randn(2, *shipped.input, generator=torch.Generator().manual_seed(0)))
    sum(y.sum() for y in (found if isinstance(found, tuple) else (found,))).backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


def test_traceable_and_copyable(shipped: Any) -> None:
    net = build(shipped.program(shipped.cheapest().values, is_fixed=True)).eval()
    x = torch.randn(2, *shipped.input, generator=torch.Generator().manual_seed(0))
    traced = torch.fx.symbolic_trace(net)
    twin = copy.deepcopy(net)
    twin.load_state_dict(net.state_dict())
    with torch.no_grad():
        expected = net(x)
        for other in (traced, twin):
            found = other(x)
            pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
            assert all(torch.equal(a, b) for a, b in pairs)


def test_export_with_free_batch_and_image_size(small_nas_unet: Any) -> None:
    net = build(small_nas_unet.program(small_nas_unet.sample(1).values, is_fixed=True)).eval()
    free = {axis: torch.export.Dim.AUTO for axis in (0, 2, 3)}
    exported = torch.export.export(net, (torch.randn(2, 1, 16, 16),), dynamic_shapes=(free,)).module()
    with torch.no_grad():
        for shape in ((1, 1, 32, 16), (3, 1, 48, 64)):
            x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
            assert torch.allclose(exported(x), net(x), atol=1e-5)


def test_equal_seeds_equal_weights_and_no_global_state(small_nas_unet: Any) -> None:
    program = small_nas_unet.program(small_nas_unet.sample(1).values, is_fixed=True)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, again, other = build(program, seed=1), build(program, seed=1), build(program, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    weights, same, different = (net.state_dict() for net in (first, again, other))
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    assert any(not torch.equal(weights[name], different[name]) for name in weights)


def test_a_weight_does_not_depend_on_the_rest_of_the_text(written: Callable[..., Program]) -> None:
    small = build(written("a = x -> conv(4, 3)\na -> conv(2, 1)"))
    large = build(written("z = x -> conv(8, 3)\na = x -> conv(4, 3)\nb = concat([a, z])\nb -> conv(2, 1)"))
    assert torch.equal(small.get_parameter("a.conv.weight"), large.get_parameter("a.conv.weight"))


def test_a_module_applied_twice_has_one_set_of_weights(written: Callable[..., Program]) -> None:
    net = build(written("module f = conv(1, 3) -> batch_norm\nx -> f -> f"))
    assert len([m for m in net.modules() if isinstance(m, nn.Conv2d)]) == 1
    net(torch.ones(2, 1, 8, 8))
    counted = [int(b) for name, b in net.named_buffers() if name.endswith("num_batches_tracked")]
    assert counted == [2]


def test_meta_device(shipped: Any) -> None:
    """A network of any size can be built without memory."""
    program = shipped.program(shipped.cheapest(2).values, is_fixed=True)
    with torch.device("meta"):
        net = build(program)
    assert all(p.is_meta for p in net.parameters())


def test_an_extern_layer_that_nobody_provides(written: Callable[..., Program]) -> None:
    declaration = 'layer scan() extern "nobody.scan" { shape [*t] -> [*t] }'
    with pytest.raises(NasError) as caught:
        build(written("x -> scan", declarations=declaration))
    assert caught.value.diagnostics[0].code == "missing-extern"


def test_indices_below_zero_are_others_than_those_above(written: Callable[..., Program]) -> None:
    """`f[-1]` and `f[1]` have weights of their own, in fixed networks and in supernets."""
    body = "f[-1] = x -> conv(4, 3)\nf[1] = f[-1] -> conv(4, 3)\ny = f[1] -> pick one of [relu, elu]\ny"
    names = ["f_m1.conv.weight", "f_1.conv.weight"]
    assert list(dict(build(written(body, values={"y": "relu"})).named_parameters())) == names
    assert list(build_supernet(written(body)).named_weights()) == names


def test_two_paths_of_one_name_are_told(written: Callable[..., Program]) -> None:
    body = "g[1, 1] = x -> conv(4, 3)\ng_1[1] = g[1, 1] -> conv(4, 3)\ny = g_1[1] -> pick one of [relu, elu]\ny"
    for make in (
        lambda: build(written(body, values={"y": "relu"})),
        lambda: build_supernet(written(body)).named_weights(),
    ):
        with pytest.raises(NasError, match="duplicate-name"):
            make()

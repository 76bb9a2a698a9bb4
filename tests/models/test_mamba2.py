from itertools import pairwise
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv2d, pad, rms_norm, silu, softplus

from neurorun.core import ConfigError
from neurorun.models import Mamba2
from neurorun.models.mamba2 import GatedNorm
from neurorun.models.memory import Memory
from neurorun.models.ssd import ssd_sequential

pytestmark = pytest.mark.unit

ORACLE = Path(__file__).parent / "data" / "mamba2_transformers.npz"


def small(**options):
    torch.manual_seed(0)
    return Mamba2(8, d_state=4, head_dim=4, **{"chunk": 5, **options})


def test_output_is_that_of_transformers():
    with np.load(ORACLE, allow_pickle=False) as stored:
        weights = {name: torch.from_numpy(stored[name]) for name in stored.files}
    u, y = weights.pop("u"), weights.pop("y")
    layer = Mamba2(16, d_state=8, head_dim=8)
    layer.load_state_dict(weights, strict=True)
    torch.testing.assert_close(layer(u), y, atol=1e-5, rtol=1e-5)


def by_definition(layer, u):
    """The layer in the words of its paper: one step after the other, and no care for speed."""
    n_heads, inner = len(layer.D), len(layer.D) * layer.head_dim
    gate, mixed, dt = layer.in_proj(u).split([inner, inner + 2 * layer.d_state, n_heads], dim=-1)
    mixed = silu(layer.conv1d(pad(mixed.mT, (layer.conv1d.kernel_size[0] - 1, 0)))).mT
    x, b, c = mixed.split([inner, layer.d_state, layer.d_state], dim=-1)
    steps, fades = softplus(dt + layer.dt_bias), -layer.A_log.exp()
    y, _ = ssd_sequential(
        x.unflatten(-1, (n_heads, layer.head_dim)), steps, fades, b=b, c=c, d=layer.D
    )
    weight = layer.norm.weight
    return layer.out_proj(rms_norm(y.flatten(2) * silu(gate), weight.shape, weight, eps=1e-5))


@pytest.mark.parametrize("conv_kernel", [1, 4, 6])
@pytest.mark.parametrize("n_steps", [1, 3, 23])
def test_output_and_gradients_are_those_of_the_definition(n_steps, conv_kernel):
    layer = small(conv_kernel=conv_kernel).double()
    u = torch.randn(2, n_steps, 8, dtype=torch.float64, requires_grad=True)
    found, expected = layer(u), by_definition(layer, u)
    towards = torch.randn_like(expected)
    leaves = [u, *layer.parameters()]
    torch.testing.assert_close(
        [found, *torch.autograd.grad(found, leaves, towards)],
        [expected, *torch.autograd.grad(expected, leaves, towards)],
        atol=1e-12,
        rtol=1e-12,
    )


def test_silence_has_finite_gradients_in_the_norm():
    norm = GatedNorm(4)
    x, gate = (torch.zeros(1, 2, 4, requires_grad=True) for _ in range(2))
    norm(x, gate).sum().backward()
    assert all(torch.isfinite(tensor.grad).all() for tensor in (x, gate, norm.weight))


@pytest.mark.parametrize("n_batch", [1, 3])
def test_on_a_cpu_the_channels_of_the_convolution_lie_side_by_side(n_batch):
    with mock.patch("neurorun.models.mamba2.conv2d", wraps=conv2d) as convolve:
        small()(torch.randn(n_batch, 40, 8))
    (row, _), _ = convolve.call_args
    assert row.is_contiguous(memory_format=torch.channels_last)


def test_parameters_are_those_of_mamba_ssm():
    shapes = {name: tuple(tensor.shape) for name, tensor in Mamba2(512).state_dict().items()}
    assert shapes == {
        "in_proj.weight": (2096, 512),
        "conv1d.weight": (1056, 1, 4),
        "conv1d.bias": (1056,),
        "dt_bias": (16,),
        "A_log": (16,),
        "D": (16,),
        "norm.weight": (1024,),
        "out_proj.weight": (512, 1024),
    }


def test_initial_steps_and_fades_lie_in_their_ranges():
    layer = Mamba2(2048, head_dim=1)
    steps = torch.nn.functional.softplus(layer.dt_bias)
    assert 0.0009 < steps.min() < 0.0012
    assert 0.08 < steps.max() < 0.11
    fades = layer.A_log.exp()
    assert 1 <= fades.min() < 1.1
    assert 15.9 < fades.max() <= 16


@pytest.mark.parametrize("conv_kernel", [2, 4, 5, 9])
def test_no_step_sees_what_comes_after_it(conv_kernel):
    layer = small(conv_kernel=conv_kernel)
    u = torch.randn(1, 23, 8)
    changed = u.clone()
    changed[:, 12:] += 1
    before, after = layer(u), layer(changed)
    torch.testing.assert_close(before[:, :12], after[:, :12], atol=1e-6, rtol=1e-6)
    assert not torch.isclose(before[:, 12], after[:, 12]).all()


@pytest.mark.parametrize("conv_kernel", [2, 5])
def test_short_convolution_reaches_back_as_many_steps_as_its_kernel(conv_kernel):
    layer = small(conv_kernel=conv_kernel)
    with torch.no_grad():
        layer.A_log.fill_(10.0)  # the state forgets at once
        layer.dt_bias.fill_(5.0)
    u = torch.randn(1, 20, 8)
    changed = u.clone()
    changed[:, 4] += 1
    reached = (layer(u) - layer(changed)).abs().amax(dim=(0, 2)) > 1e-6
    assert reached.nonzero().flatten().tolist() == list(range(4, 4 + conv_kernel))


@given(cuts=st.lists(st.integers(1, 39), max_size=8), conv_kernel=st.sampled_from([2, 4, 7]))
@settings(max_examples=30, deadline=None)
def test_pieces_with_a_memory_give_what_the_whole_gives(cuts, conv_kernel):
    layer = small(conv_kernel=conv_kernel).double()
    u = torch.randn(2, 40, 8, dtype=torch.float64)
    bounds = [0, *sorted(set(cuts)), 40]
    memory = Memory()
    pieces = [layer(u[:, a:b], memory) for a, b in pairwise(bounds)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), layer(u), atol=1e-12, rtol=1e-12)


def test_recurrence_stays_in_float32_under_autocast():
    layer, u = small(), torch.randn(2, 64, 8)
    seen = []
    layer.norm.register_forward_pre_hook(lambda _, args: seen.extend(a.dtype for a in args))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(u)
    assert (y.dtype, set(seen)) == (torch.bfloat16, {torch.float32})
    torch.testing.assert_close(y.float(), layer(u), atol=0.02, rtol=0.02)


def test_gradients_reach_every_parameter():
    layer = small()
    layer(torch.randn(2, 17, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())


def test_heads_that_do_not_fill_the_width_are_refused():
    with pytest.raises(ConfigError, match=r"Inner width 20 .* no multiple of head_dim 6; choose"):
        Mamba2(10, head_dim=6)

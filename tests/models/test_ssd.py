import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.models.ssd import ssd_chunked, ssd_sequential

pytestmark = pytest.mark.unit


def inputs(n_steps, *, heads=3, head_dim=4, d_state=5, dt=0.1, dtype=torch.float64, seed=0):
    rng = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=rng, dtype=torch.float64).to(dtype)

    return {
        "x": normal(2, n_steps, heads, head_dim),
        "dt": dt * torch.rand(2, n_steps, heads, generator=rng, dtype=torch.float64).to(dtype),
        "a": -1 - 15 * torch.rand(heads, generator=rng, dtype=torch.float64).to(dtype),
        "b": normal(2, n_steps, d_state),
        "c": normal(2, n_steps, d_state),
        "d": normal(heads),
        "state": normal(2, heads, d_state, head_dim),
    }


def run(ssd, tensors, **options):
    rest = {name: tensors[name] for name in ("b", "c", "d", "state")}
    return ssd(tensors["x"], tensors["dt"], tensors["a"], **rest, **options)


def gradients(ssd, tensors, **options):
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in tensors.items()}
    y, state = run(ssd, leaves, **options)
    loss = (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum() + state.sum()
    return torch.autograd.grad(loss, list(leaves.values()))


def largest_error(found, expected):
    return max(
        float((f - e).abs().max() / e.abs().max()) for f, e in zip(found, expected, strict=True)
    )


@given(n_steps=st.integers(1, 90), chunk=st.integers(1, 100), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_chunked_is_the_recurrence_at_every_length_and_chunk(n_steps, chunk, seed):
    tensors = inputs(n_steps, seed=seed)
    found, expected = run(ssd_chunked, tensors, chunk=chunk), run(ssd_sequential, tensors)
    assert largest_error(found, expected) < 1e-12


@pytest.mark.parametrize("chunk", [1, 7, 32, 203, 256])
def test_gradients_of_chunked_are_those_of_the_recurrence(chunk):
    tensors = inputs(203)
    found = gradients(ssd_chunked, tensors, chunk=chunk)
    assert largest_error(found, gradients(ssd_sequential, tensors)) < 1e-12


def test_more_chunks_than_one_product_carries_agree_with_the_recurrence():
    tensors = inputs(300, heads=1, head_dim=2, d_state=2)
    found, expected = run(ssd_chunked, tensors, chunk=2), run(ssd_sequential, tensors)
    assert largest_error(found, expected) < 1e-12


def test_gradients_pass_the_finite_difference_check():
    tensors = inputs(5, heads=2, head_dim=2, d_state=2)
    names = list(tensors)

    def function(*values):
        return run(ssd_chunked, dict(zip(names, values, strict=True)), chunk=2)

    assert torch.autograd.gradcheck(function, [tensors[n].requires_grad_() for n in names])


def test_state_of_one_piece_starts_the_next():
    tensors = inputs(203)
    whole, last = run(ssd_chunked, tensors)
    pieces, state = [], tensors["state"]
    for first in range(0, 203, 77):
        piece = {
            name: tensor if name in {"a", "d"} else tensor[:, first : first + 77]
            for name, tensor in tensors.items()
        }
        y, state = run(ssd_chunked, {**piece, "state": state})
        pieces.append(y)
    assert largest_error([torch.cat(pieces, dim=1), state], [whole, last]) < 1e-12


@pytest.mark.parametrize(("dt", "tolerance"), [(0.1, 5e-6), (1.0, 2e-5), (5.0, 5e-5), (50.0, 2e-4)])
def test_float32_stays_near_float64_however_long_the_steps(dt, tolerance):
    exact = inputs(500, dt=dt)
    rounded = {name: tensor.float() for name, tensor in exact.items()}
    found, _ = run(ssd_chunked, rounded)
    expected, _ = run(ssd_sequential, {n: t.double() for n, t in rounded.items()})
    assert largest_error([found.double()], [expected]) < tolerance


@pytest.mark.parametrize("dt", [0.0, 1e-30, 50.0, 1e4])
def test_gradients_are_finite_however_long_the_steps(dt):
    tensors = inputs(100, dt=dt, dtype=torch.float32)
    assert all(torch.isfinite(g).all() for g in gradients(ssd_chunked, tensors))


def test_steps_of_length_zero_leave_the_state_as_it_is():
    tensors = inputs(20, dt=0.0)
    _, state = run(ssd_chunked, tensors, chunk=8)
    assert torch.equal(state, tensors["state"])

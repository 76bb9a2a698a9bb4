"""State-space duality: one linear recurrence, computed step by step or by matrix products.

For every head, with a state of ``d_state`` rows and ``head_dim`` columns [1]_::

    state_t = exp(dt_t A) state_{t-1} + dt_t B_t x_t^T
    y_t     = C_t^T state_t + D x_t

`ssd_sequential` is this definition, one step after the other. `ssd_chunked` gives the same map
chunk by chunk: what a step receives from its own chunk is a masked product of ``C``, ``B`` and
the decay between the two steps; what it receives from earlier chunks comes through the state at
the start of its chunk.

Both return the state after the last step, from which the next piece of a signal goes on.

References
----------
.. [1] Dao, Gu, "Transformers are SSMs: generalized models and efficient algorithms through
   structured state space duality", ICML 2024, section 6 and listing 1.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

_CHUNKS_AT_ONCE = 64
"""States of so many chunks are carried on by one matrix product: their cost grows with its square,
and far above it a loop over products is cheaper."""

_FORGOTTEN = -100.0
"""Binary logarithm of a fade that counts as 0: far below rounding, while the denormal numbers that
would come of it make matrix products ten times slower."""

State = Float[Tensor, "batch heads d_state head_dim"]


def ssd_sequential(
    x: Float[Tensor, "batch steps heads head_dim"],
    dt: Float[Tensor, "batch steps heads"],
    a: Float[Tensor, " heads"],
    *,
    b: Float[Tensor, "batch steps d_state"],
    c: Float[Tensor, "batch steps d_state"],
    d: Float[Tensor, " heads"],
    state: State | None = None,
) -> tuple[Float[Tensor, "batch steps heads head_dim"], State]:
    """Compute the recurrence one step after the other: the definition, and slow.

    Parameters
    ----------
    x : input of each head
    dt : length of each step, >= 0
    a : rate at which the state of each head fades, < 0
    b, c : how a step is written into the state and read from it, shared by all heads
    d : weight of the input that passes by the state
    state : from which to go on; None is the empty state

    Returns
    -------
    Output of every step, and the state after the last.

    Examples
    --------
    >>> one = torch.ones(1, 3, 1)
    >>> y, _ = ssd_sequential(
    ...     one[..., None], one, -torch.tensor([2.0]).log(), b=one, c=one, d=torch.zeros(1)
    ... )
    >>> y.flatten().tolist()
    [1.0, 1.5, 1.75]
    """
    state = _empty_state(x, b) if state is None else state
    outputs = []
    for t in range(x.shape[1]):
        fade = torch.exp(dt[:, t] * a)[..., None, None]
        written = b[:, t, None, :, None] * (dt[:, t, :, None] * x[:, t])[:, :, None]
        state = fade * state + written
        outputs.append((c[:, t, None, None] @ state).squeeze(2))
    return torch.stack(outputs, dim=1) + d[:, None] * x, state


def ssd_chunked(
    x: Float[Tensor, "batch steps heads head_dim"],
    dt: Float[Tensor, "batch steps heads"],
    a: Float[Tensor, " heads"],
    *,
    b: Float[Tensor, "batch steps d_state"],
    c: Float[Tensor, "batch steps d_state"],
    d: Float[Tensor, " heads"],
    state: State | None = None,
    chunk: int = 32,
) -> tuple[Float[Tensor, "batch steps heads head_dim"], State]:
    """Compute the recurrence of `ssd_sequential` by matrix products over chunks of steps.

    Parameters are those of `ssd_sequential`. Any number of steps is allowed: the last chunk is
    filled up with steps of length 0, which leave the state as it is.

    Parameters
    ----------
    chunk : steps per matrix product, > 0; changes rounding and speed, nothing else
    """
    n_steps = x.shape[1]
    chunk = min(chunk, n_steps)
    missing = -n_steps % chunk
    # The input enters unscaled, so that it is copied once into the layout of the products:
    # dt is put into the smaller factors instead, and D into the diagonal.
    values = _in_chunks(x.transpose(1, 2), chunk, missing)
    lengths = _in_chunks(dt.transpose(1, 2)[..., None], chunk, missing).squeeze(-1)
    writes = _in_chunks(b[:, None], chunk, missing)
    reads = _in_chunks(c[:, None], chunk, missing)

    # Logarithms to base 2: exp of CPU libraries is many times slower where it underflows.
    log_fade = torch.cumsum(lengths * (a * math.log2(math.e))[:, None, None], dim=-1)
    end = log_fade[..., -1:]
    kept = torch.exp2(end - log_fade) * lengths
    added = (writes * kept[..., None]).mT @ values
    before, state = _carry(added, end.squeeze(-1), _empty_state(x, b) if state is None else state)

    within = _within_chunks(log_fade, lengths, reads @ writes.mT, d)
    y = _sum_of_products(within, values, reads * torch.exp2(log_fade)[..., None], before)
    return y.flatten(2, 3)[:, :, :n_steps].transpose(1, 2), state


def _empty_state(
    x: Float[Tensor, "batch steps heads head_dim"], b: Float[Tensor, "batch steps d_state"]
) -> State:
    return x.new_zeros(x.shape[0], x.shape[2], b.shape[2], x.shape[3])


def _in_chunks(
    tensor: Float[Tensor, "batch heads steps size"], chunk: int, missing: int
) -> Float[Tensor, "batch heads chunks chunk size"]:
    filled = pad(tensor, (0, 0, 0, missing)) if missing else tensor
    return torch.unflatten(filled, 2, (-1, chunk)).contiguous()


def _within_chunks(
    log_fade: Float[Tensor, "batch heads chunks chunk"],
    lengths: Float[Tensor, "batch heads chunks chunk"],
    read_write: Float[Tensor, "batch 1 chunks chunk chunk"],
    d: Float[Tensor, " heads"],
) -> Float[Tensor, "batch heads chunks chunk chunk"]:
    """Weight with which each step (row) of a chunk receives each step (column) of the chunk.

    What lies ahead is masked before the exponential: masked after it, an overflow there would
    make gradients of 0 times infinity.
    """
    chunk = log_fade.shape[-1]
    ahead = torch.ones(chunk, chunk, dtype=torch.bool, device=d.device).triu(1)
    between = (log_fade[..., :, None] - log_fade[..., None, :]).masked_fill_(ahead, -torch.inf)
    passes_by = d[:, None, None, None] * torch.eye(chunk, dtype=d.dtype, device=d.device)
    return torch.addcmul(passes_by, torch.exp2(between) * lengths[..., None, :], read_write)


def _sum_of_products(
    left: Float[Tensor, "batch heads chunks rows inner"],
    right: Float[Tensor, "batch heads chunks inner columns"],
    other_left: Float[Tensor, "batch heads chunks rows other"],
    other_right: Float[Tensor, "batch heads chunks other columns"],
) -> Float[Tensor, "batch heads chunks rows columns"]:
    """``left @ right + other_left @ other_right``, in one array."""
    total = torch.bmm(left.flatten(0, 2), right.flatten(0, 2))
    total.baddbmm_(other_left.flatten(0, 2), other_right.flatten(0, 2))
    return torch.unflatten(total, 0, left.shape[:3])


def _carry(
    added: Float[Tensor, "batch heads chunks d_state head_dim"],
    log_fade: Float[Tensor, "batch heads chunks"],
    state: State,
) -> tuple[Float[Tensor, "batch heads chunks d_state head_dim"], State]:
    """States before every chunk, and the state after the last."""
    before, size = [], state.shape[-2:]
    for first in range(0, log_fade.shape[-1], _CHUNKS_AT_ONCE):
        block = slice(first, first + _CHUNKS_AT_ONCE)
        sources = torch.cat([state[:, :, None], added[:, :, block]], dim=2).flatten(3)
        states = _fade_between(log_fade[..., block]) @ sources
        before.append(states[:, :, :-1])
        state = torch.unflatten(states[:, :, -1], -1, size)
    return torch.unflatten(torch.cat(before, dim=2), -1, size), state


def _fade_between(
    log_fade: Float[Tensor, "batch heads chunks"],
) -> Float[Tensor, "batch heads chunks+1 chunks+1"]:
    """Fade from the end of one chunk (column) to the end of another (row); 0 backwards.

    The first row and column are the state from which the chunks go on. Sums of the stretch in
    between, not differences of running sums, keep their precision however long the signal.
    """
    n = log_fade.shape[-1] + 1
    ones = torch.ones(n, n, dtype=torch.bool, device=log_fade.device)
    steps = pad(log_fade, (1, 0))[..., :, None].expand(*log_fade.shape[:-1], n, n)
    sums = torch.cumsum(steps.masked_fill(~ones.tril(-1), 0), dim=-2)
    return torch.exp2(sums.masked_fill(ones.triu(1) | (sums < _FORGOTTEN), -torch.inf))

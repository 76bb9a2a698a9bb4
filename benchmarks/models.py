"""The state-space layer and the seizure detector on a CPU; one JSON line per figure.

What is compared is measured side by side, alternating, and the best of several turns counts, so
that a busy machine slows all alike: in seconds of the processor with one thread, of the clock with
more. That all give the same result is checked first.

The layer of transformers runs in its PyTorch path (its other needs CUDA kernels), in chunks of 64
steps and in chunks of as many as the package takes by itself; how fast it is changes with the
release, whose number is part of each figure. For another one than is installed:
`pip install --target other --no-deps transformers==4.57.1 'huggingface_hub<1' 'tokenizers<0.23'`,
then run with `PYTHONPATH=other`.

Run it from the root of the repository: `python benchmarks/models.py [threads]`.
"""

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from unittest import mock

import torch

from neurorun.models import Mamba2, SeizureDetectorConfig, build_detector, count_parameters
from neurorun.models.ssd import ssd_chunked, ssd_sequential

BATCH, STEPS, HEADS, HEAD_DIM, D_STATE = 4, 960, 16, 64, 16
TURNS = 7


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    torch.manual_seed(0)
    recurrence()
    layer()
    other_layers()
    for preset, batches in (("small", (1, 4, 8, 16)), ("medium", (1, 4)), ("full", (1,))):
        for batch in batches:
            detector(preset, batch)


def recurrence() -> None:
    tensors = operands()
    ways = {"sequential": ssd_sequential, "chunked": ssd_chunked}
    results = [run(ssd, tensors) for ssd in ways.values()]
    torch.testing.assert_close(*results, atol=1e-4, rtol=1e-4)
    for label, call in (("forward", forward_only), ("forward and backward", forward_backward)):
        slow_s, fast_s = best_of(
            *(lambda ssd=ssd, call=call: call(ssd, tensors) for ssd in ways.values())
        )
        tell(f"recurrence, {label}", sequential_ms=slow_s, chunked_ms=fast_s)
    for chunk in (16, 32, 64, 128):
        (seconds,) = best_of(lambda chunk=chunk: forward_backward(ssd_chunked, tensors, chunk))
        tell(f"recurrence, forward and backward, chunk {chunk}", chunked_ms=seconds)


def operands() -> list[torch.Tensor]:
    tensors = [
        torch.randn(BATCH, STEPS, HEADS, HEAD_DIM),
        0.1 * torch.rand(BATCH, STEPS, HEADS),
        -1 - 15 * torch.rand(HEADS),
        torch.randn(BATCH, STEPS, D_STATE),
        torch.randn(BATCH, STEPS, D_STATE),
        torch.ones(HEADS),
    ]
    return [tensor.requires_grad_() for tensor in tensors]


def run(ssd: Callable[..., tuple[torch.Tensor, torch.Tensor]], tensors, **options) -> torch.Tensor:
    x, dt, a, b, c, d = tensors
    return ssd(x, dt, a, b=b, c=c, d=d, **options)[0]


def forward_only(ssd, tensors) -> None:
    with torch.no_grad():
        run(ssd, tensors)


def forward_backward(ssd, tensors, chunk: int | None = None) -> None:
    y = run(ssd, tensors, **({} if chunk is None else {"chunk": chunk}))
    torch.autograd.grad(y.sum(), tensors)


def layer() -> None:
    """One layer of the full preset beside its two projections alone, the floor of its cost."""
    mamba, u = Mamba2(512), torch.randn(BATCH, STEPS, 512, requires_grad=True)
    wide = HEADS * HEAD_DIM

    def whole() -> torch.Tensor:
        return mamba(u)

    def projections() -> torch.Tensor:
        return mamba.out_proj(mamba.in_proj(u)[..., :wide])

    def trained(forward: Callable[[], torch.Tensor]) -> None:
        forward().sum().backward()

    with torch.no_grad():
        whole_s, floor_s = best_of(whole, projections)
    tell("Mamba-2 layer, forward", layer_ms=whole_s, projections_ms=floor_s)
    whole_s, floor_s = best_of(lambda: trained(whole), lambda: trained(projections))
    tell("Mamba-2 layer, forward and backward", layer_ms=whole_s, projections_ms=floor_s)


def other_layers() -> None:
    """Our layer beside itself with the recurrence step by step, and beside that of transformers."""
    ours, slow = Mamba2(512), SequentialMamba2(512)
    slow.load_state_dict(ours.state_dict())
    others = {"sequential": slow}
    if importlib.util.find_spec("transformers") is None:
        print(json.dumps({"figure": "Mamba-2 layer beside transformers", "left_out": "no package"}))
    else:
        others |= layers_of_transformers(ours)
    u = torch.randn(BATCH, STEPS, 512, requires_grad=True)
    for name, other in others.items():
        torch.testing.assert_close(other(u), ours(u), atol=1e-4, rtol=1e-4)
        other_s, ours_s = best_of(*(lambda m=m: m(u).sum().backward() for m in (other, ours)))
        tell(f"Mamba-2 layer, forward and backward, {name}", other_ms=other_s, ours_ms=ours_s)


class SequentialMamba2(Mamba2):
    """The layer whose recurrence takes one step after the other."""

    def forward(self, u, memory=None):
        with mock.patch("neurorun.models.mamba2.ssd_chunked", one_step_after_the_other):
            return super().forward(u, memory)


def one_step_after_the_other(*tensors, **options):
    options.pop("chunk")
    return ssd_sequential(*tensors, **options)


def layers_of_transformers(ours: Mamba2) -> dict[str, torch.nn.Module]:
    """Mamba-2 of transformers in PyTorch, with our weights, by release and steps of a chunk."""
    import transformers
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    mixers = {}
    for chunk in (64, transformers.Mamba2Config().chunk_size):
        config = transformers.Mamba2Config(
            hidden_size=512,
            expand=2,
            head_dim=HEAD_DIM,
            num_heads=HEADS,
            state_size=D_STATE,
            conv_kernel=4,
            n_groups=1,
            chunk_size=chunk,
        )
        mixer = Mamba2Mixer(config, layer_idx=0).train()
        mixer.load_state_dict(ours.state_dict())
        mixers[f"transformers {transformers.__version__}, chunk {chunk}"] = mixer
    return mixers


def detector(preset: str, batch: int) -> None:
    model = build_detector(SeizureDetectorConfig(preset=preset), 19)
    optimizer = torch.optim.AdamW(model.parameters())
    eeg, targets = torch.randn(batch, 19, 15360), torch.randint(2, (batch, 15360)).float()

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(eeg), targets).backward()
        optimizer.step()

    def predict() -> None:
        with torch.inference_mode():
            model(eeg)

    step()
    step_s, predict_s = best_of(step, predict)
    name = f"detector, preset {preset}, {count_parameters(model)} parameters, batch {batch}"
    tell(name, training_step_ms=step_s)
    tell(name, prediction_ms=predict_s)


def best_of(*calls: Callable[[], object]) -> list[float]:
    now = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    best = [float("inf")] * len(calls)
    for _ in range(TURNS):
        for i, call in enumerate(calls):
            start = now()
            call()
            best[i] = min(best[i], now() - start)
    return best


def tell(figure: str, **seconds: float) -> None:
    figures = {name: round(1000 * value, 1) for name, value in seconds.items()}
    if len(seconds) == 2:
        first, second = seconds.values()
        figures["ratio"] = round(first / second, 2)
    print(json.dumps({"figure": figure, "threads": torch.get_num_threads(), **figures}))


if __name__ == "__main__":
    main()

"""The training engine beside a bare loop of PyTorch; one JSON line per figure.

Both train the same network on the same batches with the same loss, clipping and optimizer, step by
step in turns, so that a busy machine slows both alike; the ratio is the median over pairs of
neighbouring steps, in seconds of the processor (one thread), and lies between `low` and `high` in
95 of 100 cases. The bare loop does what everybody writes; the engine also seeds every step, keeps
the buffers for a skipped one, checks loss and gradient, and measures.

Where there is a GPU, the step of the full detector is measured there, too, with and without
`torch.compile`: windows per second, and the share of the arithmetic that the device could do.

Run it from the root of the repository: `python benchmarks/training.py [seconds per figure]`.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from neurorun.core import Metric
from neurorun.data import (
    Corpus,
    DataConfig,
    EEGWindowDataset,
    EpochSampler,
    ExampleLoader,
    PreprocessingConfig,
)
from neurorun.models import SeizureDetectorConfig, build_detector, count_parameters
from neurorun.simulation import CorpusPlan, simulate_corpus
from neurorun.training import TrainingConfig, build_optimizer, launch
from neurorun.training.state import TrainingState
from neurorun.training.stepper import Stepper

LENGTH = 15360
WARM_UP = 3
PAIRS = (15, 150)
"""How many pairs of steps make a figure: at least, and at most."""
PEAK_FLOPS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L4": 121e12}
"""Dense bfloat16 of tensor cores, from the data sheets of the devices."""


class Waves:
    """A task of random windows."""

    metrics = (Metric("accuracy", "higher", "1", "Not measured."),)
    uses_criterion = True

    def __init__(self, batch: int) -> None:
        rng = np.random.default_rng(0)
        self.inputs = rng.standard_normal((batch, 19, LENGTH), np.float32)
        self.targets = rng.integers(0, 2, (batch, LENGTH)).astype(np.float32)

    def n_batches(self, *_epoch: int) -> int:
        return 1_000_000

    def batches(self, *_epoch: int, **_place: int) -> Iterator:
        return cycle([(self.inputs, self.targets)])

    def loss(self, model, inputs, targets, criterion):
        return {"loss": criterion(model(inputs), targets)}

    def evaluate(self, model, criterion, *, progress):
        raise NotImplementedError

    def positive_fraction(self) -> float:
        return 0.5


def main() -> None:
    torch.set_num_threads(1)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 40.0
    for preset, batch in (("small", 4), ("small", 16), ("medium", 4), ("full", 1)):
        engine_beside_bare_loop(preset, batch, seconds)
    waiting_for_data(n_steps=15)
    if torch.cuda.is_available():
        for compiled in (False, True):
            on_gpu(compiled=compiled)


def engine_beside_bare_loop(preset: str, batch: int, budget_s: float) -> None:
    config = TrainingConfig(mixed_precision=False)
    steps = [engine(preset, batch, config), bare(preset, batch, config)]
    for _ in range(WARM_UP):
        first, second = (step() for step in steps)
    assert abs(first - second) < 1e-5 * abs(second), "both must train alike"
    pairs = int(np.clip(budget_s / sum(timed(step) for step in steps), *PAIRS))
    seconds = np.array([[timed(step) for step in in_turn(steps, n)] for n in range(pairs)])
    seconds[1::2] = seconds[1::2, ::-1]
    ratios = np.sort(seconds[:, 0] / seconds[:, 1])
    beside = 0.98 * np.sqrt(pairs)  # ranks: 1.96 deviations of the binomial with probability 1/2
    tell(
        f"engine's step beside a bare loop, preset {preset}, batch {batch}",
        float(np.median(ratios)),
        "1",
        low=float(ratios[int(pairs / 2 - beside)]),
        high=float(ratios[int(pairs / 2 + beside)]),
        engine_ms=1000 * float(np.median(seconds[:, 0])),
        bare_ms=1000 * float(np.median(seconds[:, 1])),
        pairs=pairs,
    )


def in_turn(steps: list[Callable[[], float]], n: int) -> list[Callable[[], float]]:
    return steps if n % 2 == 0 else steps[::-1]


def timed(step: Callable[[], float]) -> float:
    begun = time.process_time()
    step()
    return time.process_time() - begun


def without_dropout(preset: str) -> nn.Module:
    """The detector; without dropout, so that both loops see the same network."""
    torch.manual_seed(0)
    config = {"preset": preset, "rescnn": {"dropout": 0}, "mamba": {"dropout": 0}}
    return build_detector(SeizureDetectorConfig.model_validate(config), 19)


def engine(preset: str, batch: int, config: TrainingConfig) -> Callable[[], float]:
    task = Waves(batch)
    fabric = launch(config, device="cpu")
    stepper = Stepper(
        task, without_dropout(preset), config, fabric=fabric, seed=0, n_steps=1_000_000
    )
    state, batches = TrainingState(), task.batches(1)
    stepper.model.train()
    return lambda: stepper.step(batches, state, n_batches=1).means["loss"]


def bare(preset: str, batch: int, config: TrainingConfig) -> Callable[[], float]:
    task, model = Waves(batch), without_dropout(preset).train()
    optimizer = build_optimizer(
        model.parameters(),
        config.optimizer,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        fused=True,
    )
    n_steps = iter(range(1_000_000))

    def step() -> float:
        rate = config.learning_rate * (next(n_steps) + 1) / 100_000
        for group in optimizer.param_groups:
            group["lr"] = rate
        inputs, targets = torch.from_numpy(task.inputs), torch.from_numpy(task.targets)
        loss = binary_cross_entropy_with_logits(model(inputs), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step


def waiting_for_data(n_steps: int) -> None:
    """Share of a step that passes waiting for the loader, with the cache of a simulated corpus."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        simulate_corpus(place / "corpus", CorpusPlan(n_patients=3, minutes=6))
        for preset, batch in (("small", 16), ("medium", 16)):
            waited_s, took_s = train_from_cache(place, preset, batch, n_steps)
            tell(
                f"waiting for data, preset {preset}, batch {batch}, one thread of the loader",
                waited_s / took_s,
                "share of a step",
                windows_per_s=batch * n_steps / took_s,
            )


def train_from_cache(place: Path, preset: str, batch: int, n_steps: int) -> tuple[float, float]:
    data = DataConfig(
        data_dir=place / "corpus",
        cache_dir=place / "cache",
        cache_workers=1,
        split_policy="official_tusz",
        batch_size=batch,
        max_samples=batch * (n_steps + WARM_UP),
    )
    corpus = Corpus.find(data, PreprocessingConfig())
    windows = EEGWindowDataset(corpus.cache_of("train", corpus.splits()), data)
    sampler = EpochSampler(windows.table, data, seed=0)
    loader = ExampleLoader(windows, batch_size=batch, order=sampler.order, num_workers=1)
    config, task = TrainingConfig(mixed_precision=False), Waves(1)
    stepper = Stepper(
        task,
        without_dropout(preset),
        config,
        fabric=launch(config, device="cpu"),
        seed=0,
        n_steps=1_000_000,
    )
    state, epochs = TrainingState(), iter(range(1_000_000))
    stepper.model.train()
    batches = (one for epoch in epochs for one in loader.batches(epoch))
    figures = [stepper.step(batches, state, n_batches=1) for _ in range(n_steps + WARM_UP)]
    measured = figures[WARM_UP:]
    return sum(f.waited_s for f in measured), sum(f.took_s for f in measured)


def on_gpu(*, compiled: bool, batch: int = 64, n_steps: int = 20) -> None:
    """Training steps of the full detector in bfloat16."""
    config = TrainingConfig(compile=compiled)
    task, fabric = Waves(batch), launch(config, device="cuda")
    model = without_dropout("full")
    n_flops = flops_of_a_step(model, task)
    stepper = Stepper(task, model, config, fabric=fabric, seed=0, n_steps=1_000_000)
    state = TrainingState()
    batches = cycle([tuple(torch.from_numpy(x).cuda() for x in (task.inputs, task.targets))])
    stepper.model.train()
    for _ in range(WARM_UP):
        stepper.step(batches, state, n_batches=1)
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(n_steps):
        stepper.step(batches, state, n_batches=1)
    torch.cuda.synchronize()
    step_s = (time.perf_counter() - begun) / n_steps
    name = torch.cuda.get_device_name()
    peak = next((peak for key, peak in PEAK_FLOPS.items() if key in name), float("nan"))
    tell(
        f"{name}, full detector, batch {batch}, bf16, {'compiled' if compiled else 'as written'}",
        batch / step_s,
        "windows per second",
        step_ms=1000 * step_s,
        tflops=n_flops / step_s / 1e12,
        share_of_peak=n_flops / step_s / peak,
        memory_gb=torch.cuda.max_memory_allocated() / 1e9,
    )


def flops_of_a_step(model: nn.Module, task: Waves) -> float:
    """Multiplications and additions of one step, counted on one window."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter:
        model.train()(torch.from_numpy(task.inputs[:1])).sum().backward()
    model.zero_grad()
    assert count_parameters(model) > 0
    return float(counter.get_total_flops() * len(task.inputs))


def tell(figure: str, value: float, unit: str, **more: float) -> None:
    figures = {name: float(f"{number:.4g}") for name, number in more.items()}
    line = {"figure": figure, "value": float(f"{value:.4g}"), "unit": unit, **figures}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()

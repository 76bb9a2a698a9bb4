"""The loop as a whole, on a task of milliseconds and one process."""

import json
import math
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision.amp import MixedPrecision
from torch.nn import functional

from neurorun.core import SILENT, ConfigError, TrainingError
from neurorun.runs import RunWriter
from neurorun.training import (
    LoggingConfig,
    TrainingConfig,
    TrainingRecord,
    TrainingTask,
    fit,
    launch,
    seed_everything,
)
from neurorun.training.arrays import to_tensors
from neurorun.training.schedule import SchedulerConfig, learning_rate_factor

pytestmark = pytest.mark.unit


@pytest.fixture
def run(toy, record):
    """Train the toy model and return the result, the model and the record."""

    def run(task=None, *, fabric=None, plain=False, settings=None, seed=3, **config):
        settings_of_loop = {"learning_rate": 1e-2, "epochs": 3, **config}
        chosen = TrainingConfig.model_validate(settings_of_loop)
        seed_everything(seed)
        model = toy.ToyModel(plain=plain)
        result = fit(
            task or toy.ToyTask(), model, chosen, fabric=fabric or launch(chosen, device="cpu"),
            seed=seed, record=record, settings=settings,
        )  # fmt: skip
        return result, model

    return run


def test_the_protocols_are_kept_by_the_toy_and_by_the_run_folder(toy, record):
    assert isinstance(toy.ToyTask(), TrainingTask)
    assert isinstance(record, TrainingRecord)
    assert all(hasattr(RunWriter, name) for name in ("log_epoch", "save_checkpoint", "rewind"))


def test_the_model_learns(run):
    result, _ = run(epochs=15, plain=True, early_stopping={"patience": None})
    assert result.epochs_run == 15
    assert result.best_value > 0.85
    assert result.stop_reason == "all 15 epochs were trained"


def test_every_epoch_has_its_figures(run, record):
    run()
    assert list(record.rows) == [1, 2, 3]
    assert list(record.rows[1]) == [
        "train_loss", "train_accuracy", "val_loss", "accuracy", "learning_rate", "gradient_norm",
        "positive_weight", "data_wait_share", "skipped_steps", "seconds",
    ]  # fmt: skip
    assert all(math.isfinite(value) for row in record.rows.values() for value in row.values())
    assert 0 < record.rows[1]["data_wait_share"] < 1


def test_a_plain_loop_of_pytorch_gives_the_same_weights(toy, run):
    run_config = {"epochs": 2, "gradient_clip": 0.1, "weight_decay": 0.3}
    _, ours = run(plain=True, **run_config)
    seed_everything(3)
    theirs, task = toy.ToyModel(plain=True), toy.ToyTask()
    kernels = [p for p in theirs.parameters() if p.ndim > 1]
    vectors = [p for p in theirs.parameters() if p.ndim == 1]
    groups = [
        {"params": kernels, "weight_decay": 0.3},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-2, fused=True)
    step = 0
    for epoch in (1, 2):
        for inputs, targets in task.batches(epoch):
            for group in optimizer.param_groups:
                group["lr"] = 1e-2 * learning_rate_factor(step, 12, SchedulerConfig())
            optimizer.zero_grad()
            logits = theirs(torch.as_tensor(inputs))
            truth = torch.as_tensor(targets).float()
            functional.binary_cross_entropy_with_logits(logits, truth).backward()
            torch.nn.utils.clip_grad_norm_([*kernels, *vectors], 0.1)
            optimizer.step()
            step += 1
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_the_recorded_learning_rate_is_that_of_the_schedule(run, record):
    run(epochs=3, scheduler={"type": "linear", "warmup_ratio": 0.25})
    rates = [row["learning_rate"] for row in record.rows.values()]
    config = SchedulerConfig(type="linear", warmup_ratio=0.25)
    assert rates == [1e-2 * learning_rate_factor(step, 18, config) for step in (5, 11, 17)]


def test_accumulated_batches_give_the_gradient_of_the_joint_batch(toy, run):
    parts = toy.ToyTask(n_batches=6)
    joint = toy.ToyTask(n_batches=6, joined=2)
    _, accumulated = run(parts, plain=True, optimizer="sgd", gradient_accumulation_steps=2)
    _, at_once = run(joint, plain=True, optimizer="sgd")
    for mine, other in zip(accumulated.parameters(), at_once.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-6)


def test_a_last_group_that_is_not_full_is_a_step_of_its_own(toy, run, record):
    run(toy.ToyTask(n_batches=5), epochs=1, gradient_accumulation_steps=2)
    assert record.contents["last"]["state"]["step"] == 3


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("loss", ["bce", "focal"])
@pytest.mark.parametrize("positive_weight", ["none", "batch", "dataset", "sqrt"])
def test_all_choices_train(run, record, optimizer, loss, positive_weight):
    run(epochs=1, optimizer=optimizer, loss=loss, positive_weight=positive_weight)
    weights = {"none": 1.0, "batch": 3.0, "dataset": 3.0, "sqrt": 3.0**0.5}
    assert record.rows[1]["positive_weight"] == pytest.approx(weights[positive_weight])


def test_clipping_shortens_the_gradient_and_zero_does_not(run, record):
    _, clipped = run(epochs=1, plain=True, optimizer="sgd", gradient_clip=1e-3)
    norm = record.rows[1]["gradient_norm"]
    assert norm > 1e-2
    _, free = run(epochs=1, plain=True, optimizer="sgd", gradient_clip=0.0)
    _, loose = run(epochs=1, plain=True, optimizer="sgd", gradient_clip=1e6)
    assert torch.equal(free.layers[0].weight, loose.layers[0].weight)
    assert not torch.equal(free.layers[0].weight, clipped.layers[0].weight)


class Scripted:
    """The toy with validation figures from a list."""

    def __init__(self, toy, values):
        self.task, self.values, self.seen = toy.ToyTask(), values, []
        self.metrics, self.uses_criterion = self.task.metrics, True
        self.n_batches, self.batches = self.task.n_batches, self.task.batches
        self.loss, self.positive_fraction = self.task.loss, self.task.positive_fraction

    def evaluate(self, model, criterion, *, progress):
        self.seen.append({k: v.clone() for k, v in model.state_dict().items()})
        return {"val_loss": 1.0, "accuracy": self.values[len(self.seen) - 1]}


def test_the_row_comes_first_then_the_commit_then_the_best(toy, run, record):
    run(Scripted(toy, [0.1, 0.2]), epochs=2, checkpoint_interval=2, checkpoint_minutes=60)
    assert record.calls == ["row 1", "last", "best", "row 2", "last", "best", "epoch_002"]


@pytest.mark.parametrize(
    ("values", "patience", "epochs_run", "best"),
    [
        ([0.1, 0.2, 0.3, 0.4], 2, 4, 4),
        ([0.5, 0.4, 0.3, 0.2], 2, 3, 1),
        ([0.5, 0.4, 0.6, 0.2], 2, 4, 3),
        ([0.5, 0.5, 0.5, 0.5], 3, 4, 1),
        ([math.nan, 0.1, math.nan, 0.2], 2, 4, 4),
        ([0.5, 0.4, 0.3, 0.2], None, 4, 1),
    ],
)
def test_training_stops_and_chooses_by_the_metric(
    toy, run, record, values, patience, epochs_run, best
):
    result, _ = run(Scripted(toy, values), epochs=4, early_stopping={"patience": patience})
    assert (result.epochs_run, result.best_epoch) == (epochs_run, best)
    assert record.contents["best"]["epoch"] == best
    if epochs_run < 4:
        assert result.stop_reason == f"accuracy did not improve for {patience} epochs"


def test_a_metric_that_is_never_defined_chooses_nothing_and_says_so(toy, run, record, caplog):
    result, _ = run(Scripted(toy, [math.nan] * 3), early_stopping={"patience": None})
    assert result.best_epoch is None
    assert "best" not in record.calls
    assert "accuracy was undefined in every epoch" in caplog.text


def test_an_infinite_figure_is_undefined(toy, run, record):
    run(Scripted(toy, [math.inf, 0.5]), epochs=2)
    assert math.isnan(record.rows[1]["accuracy"])
    assert record.contents["best"]["epoch"] == 2


def test_a_task_that_breaks_its_word_is_named(toy, run, monkeypatch):
    task = Scripted(toy, [0.1])
    monkeypatch.setattr(Scripted, "evaluate", lambda *_, **__: {"val_loss": 1.0})
    with pytest.raises(TrainingError, match="returned val_loss, but not accuracy, which the task"):
        run(task)
    task.n_batches = lambda epoch: 7
    with pytest.raises(TrainingError, match="Epoch 1 ended at batch 6, before the number"):
        run(task)


def test_an_unknown_metric_is_refused_before_the_first_batch(toy, run):
    task = toy.ToyTask()
    with pytest.raises(ConfigError, match=r"choose one of accuracy, val_loss"):
        run(task, early_stopping={"metric": "sensitivity_at_10.0fa"})
    assert task.asked == []


def test_the_best_checkpoint_opens_plainly_and_holds_what_the_documents_list(toy, run, record):
    run(settings={"training": {"epochs": 3}, "data": {"cache_dir": "cache"}})
    best = torch.load(record.folder / "best.pt")
    toy.ToyModel().load_state_dict(best["model_state_dict"])
    epoch = best["epoch"]
    assert best["eval_loss"] == best["val_loss"] == record.rows[epoch]["val_loss"]
    assert best["train_loss"] == record.rows[epoch]["train_loss"]
    assert best["metrics"] == {"accuracy": record.rows[epoch]["accuracy"]}
    value = record.rows[epoch]["accuracy"]
    assert best["best"] == {"metric": "accuracy", "value": value, "epoch": epoch}
    assert best["config"]["data"] == {"cache_dir": "cache"}
    assert set(best["optimizer_state_dict"]) == {"state", "param_groups"}


def test_the_average_of_the_weights_is_validated_and_kept(toy, run, record):
    task = Scripted(toy, [0.1, 0.2])
    _, model = run(task, epochs=2, ema_decay=0.9)
    kept = record.contents["best"]["model_state_dict"]
    averaged = record.contents["last"]["average"]["average"]
    name = "layers.0.weight"
    assert torch.equal(kept[name], averaged[name])
    assert torch.equal(task.seen[-1][name], averaged[name])
    assert not torch.equal(model.state_dict()[name], averaged[name])
    assert torch.equal(kept["layers.1.running_mean"], model.layers[1].running_mean)


def test_a_bad_step_leaves_no_trace_but_its_count(toy, run, record, caplog):
    faulty = toy.ToyTask(faults={(1, 5): math.nan})
    _, model = run(faulty, epochs=1, scheduler={"type": "constant", "warmup_ratio": 0.0})
    row = record.rows[1]
    assert row["skipped_steps"] == 1
    assert math.isfinite(row["train_loss"])
    assert "Step 6 skipped: epoch 1, batch 5, loss nan" in caplog.text
    _, shorter = run(
        toy.ToyTask(n_batches=5), epochs=1, scheduler={"type": "constant", "warmup_ratio": 0.0}
    )
    for name, value in model.state_dict().items():
        assert torch.equal(value, shorter.state_dict()[name]), name


def test_too_many_bad_steps_in_a_row_stop_the_training_with_a_dump(toy, run, record):
    faults = {(1, 1): math.nan, (1, 3): math.nan, (1, 4): math.inf}
    run(toy.ToyTask(faults=faults), epochs=1, max_bad_steps=3)
    with pytest.raises(
        TrainingError, match=r"2 steps in a row, up to batch 4 of epoch 1; .*allows fewer than 2"
    ):
        run(toy.ToyTask(faults=faults), epochs=1, max_bad_steps=2)
    with np.load(record.folder / "debug/bad_step.npz", allow_pickle=False) as dump:
        assert dump["inputs"].shape == (4, 3, 32)
        assert np.isinf(dump["inputs"]).all()
        assert dump["targets"].shape == (4, 32)
    report = (record.folder / "debug/bad_step.json").read_text()
    assert [step["batch"] for step in json.loads(report)["steps"]] == [3, 4]
    assert '"parameters_not_finite": []' in report


@pytest.mark.parametrize("found", range(4))
def test_the_dump_holds_the_batch_that_was_bad_among_those_of_its_step(toy, run, record, found):
    faults = {(1, found): math.inf}
    with pytest.raises(TrainingError, match=f"up to batch {found} of epoch 1"):
        run(
            toy.ToyTask(faults=faults),
            epochs=1, max_bad_steps=1, gradient_accumulation_steps=2,
        )  # fmt: skip
    with np.load(record.folder / "debug/bad_step.npz", allow_pickle=False) as dump:
        assert np.isinf(dump["inputs"]).all()


def test_of_losses_that_spread_the_batch_that_holds_the_fault_is_kept(toy, run, record):
    class Spreading(toy.ToyTask):
        """As where processes normalize together: a fault in one batch shows in all of its step."""

        def loss(self, model, inputs, targets, criterion):
            found = super().loss(model, inputs, targets, criterion)
            return {**found, "loss": found["loss"] * math.nan}

    with pytest.raises(TrainingError, match="up to batch 2 of epoch 1"):
        run(
            Spreading(faults={(1, 2): math.inf}),
            epochs=1, max_bad_steps=1, gradient_accumulation_steps=3,
        )  # fmt: skip
    with np.load(record.folder / "debug/bad_step.npz", allow_pickle=False) as dump:
        assert np.isinf(dump["inputs"]).all()


def test_a_gradient_alone_may_be_bad(toy, run, record):
    class Steep(toy.ToyTask):
        def loss(self, model, inputs, targets, criterion):
            found = super().loss(model, inputs, targets, criterion)
            root = torch.sqrt(sum(p.abs().sum() * 0 for p in model.parameters()))
            return {**found, "loss": found["loss"] + root}

    with pytest.raises(TrainingError, match="up to batch 1 of epoch 1"):
        run(Steep(), epochs=1, max_bad_steps=1, gradient_accumulation_steps=2)
    with np.load(record.folder / "debug/bad_step.npz", allow_pickle=False) as dump:
        assert np.isfinite(dump["inputs"]).all()


def test_a_network_that_diverged_in_the_last_step_is_told_so(toy, run):
    class Steep(toy.ToyTask):
        def loss(self, model, inputs, targets, criterion):
            return {"loss": 1e18 * super().loss(model, inputs, targets, criterion)["loss"]}

        def evaluate(self, model, criterion, *, progress=SILENT):
            self.validation = (1e10 * self.validation[0], self.validation[1])
            return super().evaluate(model, criterion, progress=progress)

    constant = {"type": "constant", "warmup_ratio": 0.0}
    with pytest.raises(TrainingError, match=r"training has diverged .0 of its 4 parameters"):
        run(
            Steep(n_batches=1), plain=True, learning_rate=10, optimizer="sgd", scheduler=constant,
            gradient_clip=0.0,
        )  # fmt: skip


def test_divergence_is_told_of_networks_that_give_several_things_too(toy, run):
    class Named(toy.ToyTask):
        def loss(self, model, inputs, targets, criterion):
            self.model = model
            return {"loss": criterion(model(inputs), targets)}

        def evaluate(self, model, criterion, *, progress=SILENT):
            inputs = torch.as_tensor(self.validation[0])
            model.register_forward_hook(
                lambda _model, _inputs, outputs: {"decision": (outputs, outputs / 0)}, prepend=True
            )
            model(inputs)

    with pytest.raises(TrainingError, match="training has diverged"):
        run(Named(), epochs=1)


def test_patience_does_not_run_out_before_the_metric_was_ever_defined(toy, run, record):
    class Silent(toy.ToyTask):
        def evaluate(self, model, criterion, *, progress=SILENT):
            found = super().evaluate(model, criterion, progress=progress)
            return {**found, "accuracy": math.nan if len(record.rows) < 4 else 0.5}

    result, _ = run(Silent(), epochs=9, early_stopping={"patience": 2})
    assert (result.best_epoch, result.epochs_run) == (5, 7)


def test_an_epoch_of_bad_steps_has_no_mean(toy, run, record):
    task = toy.ToyTask(n_batches=2, faults={(1, 0): math.nan, (1, 1): math.nan})
    run(task, epochs=1)
    assert math.isnan(record.rows[1]["train_loss"])
    assert record.rows[1]["skipped_steps"] == 2


def test_in_16_bits_a_bad_step_lowers_the_scale_of_the_loss(toy, run, record):
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    fabric = Fabric(
        accelerator="cpu", devices=1, plugins=MixedPrecision("16-mixed", "cpu", scaler=scaler)
    )
    task = toy.ToyTask(faults={(1, 2): math.nan})
    run(task, epochs=1, fabric=fabric)
    assert record.rows[1]["skipped_steps"] == 1
    assert record.contents["last"]["scaler"]["scale"] == 2.0**9


def test_batches_may_be_mappings_and_tuples(toy, run, record):
    class Named(toy.ToyTask):
        def batches(self, epoch, *, start=0, stride=1):
            for inputs, targets in super().batches(epoch, start=start, stride=stride):
                yield {"eeg": inputs}, (targets, torch.as_tensor(inputs))

        def loss(self, model, inputs, targets, criterion):
            assert inputs["eeg"].shape == targets[1].shape
            return super().loss(model, inputs["eeg"], targets[0], criterion)

    run(Named(), epochs=1)
    with pytest.raises(TrainingError, match="1 steps in a row"):
        run(Named(faults={(1, 0): math.nan}), epochs=1, max_bad_steps=1)
    with np.load(record.folder / "debug/bad_step.npz", allow_pickle=False) as dump:
        assert sorted(dump) == ["inputs.eeg", "targets.0", "targets.1"]


def test_arrays_that_pytorch_cannot_hold_are_copied():
    backwards = np.arange(6.0)[::-1]
    frozen = np.arange(3.0)
    frozen.flags.writeable = False
    inputs = to_tensors((backwards, frozen), torch.device("cpu"))
    assert [part.tolist() for part in inputs] == [[5.0, 4.0, 3.0, 2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]


def test_progress_shows_epochs_with_their_figures(toy):
    shown = []

    class Shown:
        @contextmanager
        def phase(self, name, total):
            def advance(n=1, /, **figures):
                shown.append((name, total, n, sorted(figures)))

            yield advance

    config = TrainingConfig(epochs=1)
    fit(
        toy.ToyTask(n_batches=2), toy.ToyModel(), config,
        fabric=launch(config, device="cpu"), seed=1, progress=Shown(),
    )  # fmt: skip
    figures = ["data_wait_share", "learning_rate", "loss"]
    assert shown == [
        ("Epoch 1 of 1", 2, 0, []),
        ("Epoch 1 of 1", 2, 1, figures),
        ("Epoch 1 of 1", 2, 1, figures),
        ("Validation", 1, 1, []),
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
def test_a_compiled_model_trains_and_its_checkpoint_fits_the_uncompiled_one(toy, run, record):
    run(epochs=1, compile=True)
    toy.ToyModel().load_state_dict(record.contents["best"]["model_state_dict"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_trains_on_cuda(toy, record, precision):
    config = TrainingConfig(epochs=3, precision=precision, learning_rate=1e-2)
    fabric = launch(config, device="cuda")

    class OnGpu(toy.ToyTask):
        def evaluate(self, model, criterion, *, progress):
            self.validation = tuple(torch.as_tensor(part).cuda() for part in self.validation)
            return super().evaluate(model, criterion, progress=progress)

    fit(OnGpu(), toy.ToyModel(), config, fabric=fabric, seed=1, record=record)
    assert all(math.isfinite(row["train_loss"]) for row in record.rows.values())


def test_logging_defaults_are_those_of_the_seed():
    assert LoggingConfig().log_every_n_steps == 10

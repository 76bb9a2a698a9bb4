"""A killed training ends as if nothing had happened."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from neurorun.core import ConfigError, RunError
from neurorun.training import TrainingConfig, fit, launch, seed_everything
from neurorun.training.checkpoint import as_plain, read_last
from neurorun.training.state import TrainingState

CLOCKS = ("seconds", "elapsed_s", "data_wait_share", "timestamp")
CONFIG = {
    "epochs": 3, "learning_rate": 0.01, "checkpoint_minutes": 0.0, "checkpoint_interval": 2,
    "ema_decay": 0.9, "gradient_accumulation_steps": 2, "early_stopping": {"patience": None},
}  # fmt: skip


class Killed(BaseException):
    """Stands for a crash inside this process."""


def run(toy, record, *, task=None, seed=3, **config):
    chosen = TrainingConfig.model_validate({**CONFIG, **config})
    seed_everything(seed)
    model = toy.ToyModel()
    last = record.folder / "last.pt"
    result = fit(
        task or toy.ToyTask(), model, chosen, fabric=launch(chosen, device="cpu"), seed=seed,
        record=record, resume_from=last if record.calls else None,
    )  # fmt: skip
    return result, model


def without_clocks(row):
    return {name: value for name, value in row.items() if name not in CLOCKS}


@pytest.mark.unit
@pytest.mark.parametrize("batch", [(1, 0), (1, 3), (2, 0), (2, 5), (3, 2)])
@pytest.mark.parametrize("minutes", [0.0, 60.0])
def test_killed_at_a_batch_and_resumed_it_ends_with_the_same_bits(
    toy, record, tmp_path_factory, batch, minutes
):
    def die():
        if task.asked[-1] == batch:
            raise Killed

    peace = type(record)(tmp_path_factory.mktemp("peace"))
    expected, whole = run(toy, peace, checkpoint_minutes=minutes)
    task = toy.ToyTask(on_batch=die)
    with pytest.raises(Killed):
        run(toy, record, task=task, checkpoint_minutes=minutes)
    record.calls.append("killed")
    result, model = run(toy, record, checkpoint_minutes=minutes)
    assert result == expected
    for name, value in whole.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    assert [without_clocks(row) for row in record.rows.values()] == [
        without_clocks(row) for row in peace.rows.values()
    ]
    for name in ("best", "epoch_002"):
        mine, other = ((r.folder / f"{name}.pt").read_bytes() for r in (record, peace))
        assert mine == other
    assert without_clocks_in(record.contents["last"]) == without_clocks_in(peace.contents["last"])


def without_clocks_in(last):
    state = {**last["state"], "row": without_clocks(last["state"]["row"])}
    optimizer = last["optimizer_state_dict"]["state"]
    moments = {key: {k: v.tolist() for k, v in value.items()} for key, value in optimizer.items()}
    return state, moments


@pytest.mark.unit
def test_a_resumed_epoch_asks_only_for_the_batches_that_are_left(toy, record):
    run(toy, record, epochs=1)
    record.calls.clear()

    def die():
        if task.asked[-1] == (1, 4):
            raise Killed

    task = toy.ToyTask(on_batch=die)
    with pytest.raises(Killed):
        run(toy, record, task=task)
    task = toy.ToyTask()
    run(toy, record, task=task, max_bad_steps=7)
    assert task.asked[0] == (1, 4)


@pytest.mark.unit
def test_a_best_checkpoint_lost_between_commit_and_writing_is_written_again(toy, record):
    class Dying(type(record)):
        def save_checkpoint(self, name, save):
            if name == "best":
                raise Killed
            super().save_checkpoint(name, save)

    dying = Dying(record.folder)
    with pytest.raises(Killed):
        run(toy, dying)
    record.rows, record.calls = dying.rows, ["killed"]
    run(toy, record)
    assert record.calls[1:3] == ["rewind 1", "best"]


@pytest.mark.unit
def test_a_finished_training_says_so_and_does_nothing(toy, record):
    expected, _ = run(toy, record)
    task = toy.ToyTask()
    again, _ = run(toy, record, task=task)
    assert again == expected
    assert task.asked == []
    assert len(record.rows) == 3


@pytest.mark.unit
def test_a_run_without_checkpoint_begins_again(toy, record):
    record.calls.append("killed before the first checkpoint")
    run(toy, record)
    assert record.calls[1] == "rewind 0"
    assert len(record.rows) == 3


@pytest.mark.unit
def test_resuming_with_other_settings_is_refused(toy, record):
    run(toy, record)
    with pytest.raises(
        RunError, match=r"epochs was 3 and is 4; learning_rate was 0\.01 and is 0\.1\. Only check"
    ):
        run(toy, record, epochs=4, learning_rate=0.1)
    with pytest.raises(RunError, match="seed was 3 and is 4"):
        run(toy, record, seed=4)
    run(toy, record, checkpoint_minutes=5.0)


@pytest.mark.unit
def test_resuming_in_another_number_of_processes_is_refused(toy, record):
    run(toy, record)
    path = record.folder / "last.pt"
    torch.save({**torch.load(path), "n_processes": 4}, path)
    with pytest.raises(RunError, match=r"in 4 process\(es\), now there are 1;.*num_nodes to 4"):
        run(toy, record)


@pytest.mark.unit
def test_a_checkpoint_of_another_model_is_refused(toy, record, monkeypatch):
    run(toy, record)
    monkeypatch.setattr(toy, "ToyModel", lambda: torch.nn.Linear(2, 2))
    with pytest.raises(RunError, match="does not fit the configured model"):
        run(toy, record)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a checkpoint"),
        (b"no checkpoint", "cannot be read as a checkpoint"),
        ({"format": "neurorun-weights", "format_version": 1}, r"'neurorun-weights', 1\)"),
        ({"format": "neurorun-training-state", "format_version": 2}, r"state', 2\)"),
        ([1], r"\(None, None\)"),
    ],
)
def test_damaged_and_foreign_checkpoints_are_refused(tmp_path, content, message):
    path = tmp_path / "last.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(RunError, match=message):
        read_last(path)


@pytest.mark.unit
def test_state_survives_its_plain_form():
    state = TrainingState(epoch=3, batch=2, row={"val_loss": 0.5})
    state.figures.sums["loss"] = 1.5
    state.selection.epoch = 2
    assert TrainingState.from_dict(as_plain(state.to_dict())) == state


def as_before_plateau(path):
    """Take from a checkpoint what the first version did not write."""
    content = torch.load(path)
    del content["state"]["plateau"]
    for name in ("plateau_patience", "plateau_factor"):
        del content["training"]["scheduler"][name]
    torch.save(content, path)


@pytest.mark.unit
def test_a_run_begun_before_a_setting_existed_goes_on_with_its_default(
    toy, record, tmp_path_factory
):
    def die():
        if task.asked[-1] == (2, 3):
            raise Killed

    _, whole = run(toy, type(record)(tmp_path_factory.mktemp("peace")))
    task = toy.ToyTask(on_batch=die)
    with pytest.raises(Killed):
        run(toy, record, task=task)
    as_before_plateau(record.folder / "last.pt")
    record.calls.append("killed")
    with pytest.raises(RunError, match=r"scheduler was .*'cosine'.* and is .*'plateau'"):
        run(toy, record, scheduler={"type": "plateau"})
    _, model = run(toy, record)
    for name, value in whole.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)


@pytest.mark.unit
def test_a_state_that_lacks_what_every_version_wrote_is_refused():
    values = TrainingState().to_dict()
    del values["step"]
    with pytest.raises(RunError, match=r"differs in momentum, step from .* or start a new run"):
        TrainingState.from_dict({**values, "momentum": 1})


@pytest.mark.unit
def test_a_checkpoint_with_settings_of_a_later_version_is_refused(toy, record):
    run(toy, record)
    path = record.folder / "last.pt"
    content = torch.load(path)
    content["training"]["warp"] = 9
    torch.save(content, path)
    with pytest.raises(ConfigError, match=r"warp"):
        run(toy, record)


@pytest.mark.unit
def test_checkpoints_hold_plain_values_only():
    from neurorun.core import TrainingError

    assert as_plain((Path("a"), [True, None, 2.5])) == ("a", [True, None, 2.5])
    with pytest.raises(TrainingError, match=r"cannot hold .* of type object"):
        as_plain({"x": object()})


def program(toy, *arguments, config=CONFIG):
    command = [sys.executable, toy.__file__, *map(str, arguments), "--config", json.dumps(config)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr[-4000:]


def rows_of(folder):
    return (folder / "metrics/metrics.jsonl").read_text().splitlines()


def assert_same_run(folder, other):
    for name in ("best_model.pth", "checkpoints/epoch_002.pth", "config.yaml"):
        mine, theirs = (hashlib.sha256((f / name).read_bytes()) for f in (folder, other))
        assert mine.digest() == theirs.digest(), name
    rows, expected = (
        [without_clocks(json.loads(line)) for line in rows_of(f)] for f in (folder, other)
    )
    assert rows == expected
    last, expected = (torch.load(f / "checkpoints/last.pt") for f in (folder, other))
    for name, value in expected["model_state_dict"].items():
        assert torch.equal(last["model_state_dict"][name], value)
    assert without_clocks_in(last) == without_clocks_in(expected)


@pytest.mark.integration
@pytest.mark.parametrize(
    "every", [97, pytest.param(4, marks=pytest.mark.slow)], ids=["some", "nearly-all"]
)
def test_killed_at_a_batch_flush_or_rename_the_folder_ends_the_same(toy, tmp_path, every):
    program(toy, "die", tmp_path, "--every", every)
    victims = sorted(tmp_path.glob("killed-*/run"))
    assert len(victims) > 2
    for victim in victims:
        assert_same_run(victim, tmp_path / "peace")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("kills", "epochs"),
    [(3, 3), pytest.param(60, 20, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_killed_at_random_times_the_folder_ends_the_same(toy, tmp_path, kills, epochs):
    config = {**CONFIG, "epochs": epochs, "checkpoint_minutes": 0.0005}
    program(toy, "survive", tmp_path, "--kills", kills, "--seed", kills, config=config)
    assert_same_run(tmp_path / "war", tmp_path / "peace")

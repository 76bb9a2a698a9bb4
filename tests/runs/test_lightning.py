import math

import pytest

from neurorun.core import MissingExtraError, RunError
from neurorun.runs import check_run, lightning, open_run

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),  # those of Lightning are its own
]


@pytest.fixture(scope="module")
def pl():
    return pytest.importorskip("lightning.pytorch")


@pytest.fixture
def torch(pl):
    import torch

    return torch


@pytest.fixture
def module(pl, torch):
    class Line(pl.LightningModule):
        def __init__(self, fail_in=None):
            super().__init__()
            self.save_hyperparameters()
            self.fail_in = fail_in
            self.layer = torch.nn.Linear(1, 1)

        def _loss(self, batch):
            (x,) = batch
            return torch.mean((self.layer(x) - 2 * x) ** 2)

        def training_step(self, batch, _):
            if self.current_epoch == self.fail_in:
                raise ValueError("no more")
            loss = self._loss(batch)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch, _):
            self.log("val/loss", self._loss(batch))

        def test_step(self, batch):
            self.log("test_loss", self._loss(batch))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Line


@pytest.fixture
def loader(torch):
    data = torch.utils.data.TensorDataset(torch.linspace(-1, 1, 16)[:, None])
    return torch.utils.data.DataLoader(data, batch_size=4)


@pytest.fixture
def trainer(pl, tmp_path):
    def make(logger, **options):
        return pl.Trainer(
            logger=logger, max_epochs=3, accelerator="cpu", enable_progress_bar=False,
            enable_model_summary=False, log_every_n_steps=1,
            callbacks=[pl.callbacks.ModelCheckpoint(monitor="val/loss", filename="{epoch}")],
            **options,
        )  # fmt: skip

    return make


def logger_in(folder, **options):
    return lightning.RunLogger(
        folder / "runs", "line", monitor="val_loss", better="lower",
        config={"experiment": {"name": "line"}}, source_dir=folder, **options,
    )  # fmt: skip


@pytest.fixture
def logger(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lightning.RunLogger(
        tmp_path / "runs", "line", monitor="val_loss", better="lower",
        config={"experiment": {"name": "line"}},
    )  # fmt: skip


def test_training_becomes_a_run(trainer, module, loader, logger):
    engine = trainer(logger)
    engine.fit(module(), loader, loader)
    run = open_run(logger.log_dir)
    assert run.status == "completed"
    assert [row.epoch for row in run.epoch_rows] == [1, 2, 3]
    for row in run.epoch_rows:
        assert math.isfinite(row.values["val_loss"])
        assert math.isfinite(row.values["train_loss_epoch"])
        assert "train_loss_step" not in row.values
    assert run.best_epoch == 3
    assert run.config["hyperparameters"]["fail_in"] is None
    assert "layer.weight" in run.checkpoint()["state_dict"]
    assert list((run.path / "checkpoints").glob("epoch=*.ckpt"))
    assert check_run(run.path) == ()


def test_test_becomes_scores_of_the_ended_run(trainer, module, loader, logger):
    engine, model = trainer(logger), module()
    engine.fit(model, loader, loader)
    engine.test(model, loader, verbose=False)
    run = open_run(logger.log_dir)
    assert list(run.scores("test").metrics) == ["test_loss"]
    assert run.status == "completed"
    assert check_run(run.path) == ()


def test_error_makes_a_failed_run_with_every_row_before_it(trainer, module, loader, logger):
    with pytest.raises(ValueError, match="no more"):
        trainer(logger).fit(module(fail_in=2), loader, loader)
    run = open_run(logger.log_dir)
    assert (run.status, len(run.epoch_rows)) == ("failed", 2)
    assert run.record.error.message == "no more"
    assert math.isfinite(run.epoch_rows[1].values["train_loss_epoch"])


def test_second_fit_goes_on_in_the_same_run(trainer, module, loader, logger, pl):
    model = module()
    trainer(logger).fit(model, loader, loader)
    first = open_run(logger.log_dir)
    engine = trainer(logger)
    engine.fit_loop.max_epochs = 4
    engine.fit(model, loader, loader, ckpt_path=str(first.checkpoint_path()), weights_only=False)
    again = open_run(logger.log_dir)
    assert again.path == first.path
    assert [row.epoch for row in again.epoch_rows] == [1, 2, 3, 4]
    assert again.status == "completed"


def test_epoch_that_is_told_again_replaces_its_row(logger):
    logger.log_metrics({"epoch": 0, "val_loss": 0.5})
    logger.log_metrics({"epoch": 0, "train_loss_step": 1.0})
    logger.log_metrics({"epoch": 1, "val_loss": 0.25})
    logger.log_metrics({"epoch": 0, "val_loss": 0.75})
    assert [row.values["val_loss"] for row in logger.experiment.rows] == [0.75]
    logger.log_hyperparams({"late": 1})
    logger.save()
    logger.finalize("failed")
    logger.finalize("failed")
    assert open_run(logger.log_dir).status == "interrupted"


def test_settings_come_before_the_first_epoch(logger):
    logger.log_hyperparams({"width": 3})
    run = logger.experiment
    assert open_run(run.folder).config["hyperparameters"] == {"width": 3}
    run.add_settings({"training": {"epochs": 5}})
    run.log_epoch(1, {"val_loss": 0.5})
    assert '"training_epochs": 5' in (run.folder / "metrics/complete_summary.json").read_text()
    with pytest.raises(RunError, match="has 1 epochs; settings may be added before the first"):
        run.add_settings({"training": {"epochs": 6}})
    run.finish()


def test_other_processes_write_nothing(logger, monkeypatch, tmp_path, pl):
    from lightning_utilities.core.rank_zero import rank_zero_only

    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger.log_metrics({"epoch": 0, "val_loss": 0.5})
    logger.log_hyperparams({"a": 1})
    assert (logger.version, logger.name, logger.log_dir) == ("", "", logger.save_dir)
    assert not (tmp_path / "runs").exists()


def test_without_lightning_its_command_is_named(monkeypatch):
    lightning.run_logger_class.cache_clear()
    monkeypatch.setattr(lightning, "_PACKAGES", ("not_installed",))
    with pytest.raises(MissingExtraError, match=r"pip install \"neurorun\[lightning\]\""):
        lightning.RunLogger  # noqa: B018 - asking for it is enough
    lightning.run_logger_class.cache_clear()
    with pytest.raises(AttributeError, match="has no attribute 'Other'"):
        lightning.Other  # noqa: B018

"""With and without gaze from several seeds: what is compared, and what is kept of it."""

import numpy as np
import pytest
import torch

import neurorun
from neurorun.core import Metric, RunError, to_json
from neurorun.evaluation import GAZE_SOURCES
from neurorun.experiment import guidance_table, keep_guidance, train_pairs
from neurorun.experiment.guidance import GUIDANCE_MEASURES
from neurorun.runs import check_run, create_run, open_run
from neurorun.simulation import GazeCorpusPlan, simulate_gaze_corpus

METRIC = Metric("val_loss", "lower", "1", "A loss.")


def run_with(folder, values, *, windows=("a_P0_S0", "a_P0_S1", "b_P0_S0")):
    """A run whose test split has these values: by source, one number per window."""
    with create_run(
        folder, "x", config={}, metrics=(METRIC,), monitor="val_loss", source_dir=folder
    ) as record:
        kept = record.of("test")
        patients = [{"window": one, "patient": one[0]} for one in windows]
        kept.write_table("windows", patients, caption="Windows.")
        rows = [
            {"window": window, "source": source, **dict.fromkeys(GUIDANCE_MEASURES, number)}
            for source in GAZE_SOURCES
            for window, number in zip(windows, values.get(source, (0.0,) * 3), strict=True)
        ]
        kept.write_table("gaze_agreement_by_window", rows, caption="By window.")
    return record.folder


@pytest.mark.unit
def test_windows_are_averaged_by_patient_and_paired(tmp_path):
    pairs = [
        (
            run_with(tmp_path, {"model": (1.0, 3.0, 4.0), "mean_gaze": (0.0, 1.0, 2.0)}),
            run_with(tmp_path, {"model": (0.0, 0.0, 1.0)}),
        ),
        (
            run_with(tmp_path, {"model": (2.0, 2.0, 4.0), "mean_gaze": (0.0, 1.0, 2.0)}),
            run_with(tmp_path, {"model": (0.0, 0.0, 3.0)}),
        ),
    ]
    rows = {row["compared_with"]: row for row in guidance_table(pairs) if row["measure"] == "nss"}
    assert list(rows) == ["without gaze", "other_gaze", "mean_gaze", "envelope"]
    row = rows["without gaze"]
    assert (row["with_gaze"], row["other"]) == (3.0, 1.0)  # patients a: 2, 2; b: 4, 4
    assert row["gain"] == 2.0
    assert row["gain_low"] < 2.0 < row["gain_high"]
    assert (row["n_seeds"], row["n_patients"]) == (2, 2)
    assert rows["mean_gaze"]["gain"] == pytest.approx(3.0 - 1.25)


@pytest.mark.unit
def test_undefined_windows_leave_their_patient_out(tmp_path):
    guided = run_with(tmp_path, {"model": (1.0, np.nan, 4.0)})
    row = guidance_table([(guided, guided)])[0]
    assert row["n_patients"] == 1


@pytest.mark.unit
def test_a_run_without_gaze_on_test_is_refused(tmp_path):
    with create_run(
        tmp_path, "x", config={}, metrics=(METRIC,), monitor="val_loss", source_dir=tmp_path
    ) as record:
        pass
    with pytest.raises(RunError, match="kept no agreement with gaze of its test split; test recor"):
        guidance_table([(record.folder, record.folder)])


@pytest.mark.integration
@pytest.mark.slow
def test_trainings_differ_in_seed_and_gaze_weight_alone(tmp_path):
    torch.set_num_threads(1)
    plan = GazeCorpusPlan(n_train=8, n_eval=4, minutes=0.5, events_per_minute=10, seed=1)
    simulate_gaze_corpus(tmp_path / "corpus", plan)
    settings = {
        "task": "abnormality",
        "experiment": {"name": "guided", "output_dir": str(tmp_path / "runs"), "device": "cpu"},
        "data": {
            "data_dir": str(tmp_path / "corpus"),
            "cache_dir": str(tmp_path / "cache"),
            "window_size": 20.0,
            "validation_split": 0.3,
        },
        "training": {"epochs": 1},
        "evaluation": {"n_explained": 0, "n_reviewed": 0, "export_attention": False},
    }
    config = tmp_path / "guided.yaml"
    config.write_text(to_json(settings))
    first = neurorun.train(config)
    pairs = train_pairs(config, first=first, seeds=(42, 43))
    assert pairs[0][0] == first
    found = [
        (run.config["experiment"]["seed"], run.config["gaze"]["gaze_weight"])
        for run in (open_run(path) for pair in pairs for path in pair)
    ]
    assert found == [(42, 0.3), (42, 0.0), (43, 0.3), (43, 0.0)]
    rows = keep_guidance(pairs)
    kept = open_run(first).tables["gaze_guidance"].rows
    assert [row["measure"] for row in kept] == [row["measure"] for row in rows]
    assert check_run(first) == ()

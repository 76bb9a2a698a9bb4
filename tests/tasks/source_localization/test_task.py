import math

import pytest
import torch
import yaml

from neurorun import experiment
from neurorun.core import DataError, write_text
from neurorun.models import SourceModelConfig, build_source_model
from neurorun.reporting import render_report
from neurorun.runs import check_run, open_run
from neurorun.tasks import TASKS
from neurorun.tasks.source_localization.sections import sizes_of

pytestmark = pytest.mark.integration

TASK = TASKS["source_localization"]


@pytest.mark.parametrize(
    "model",
    [
        {"name": "transformer", "preset": "small"},
        {"name": "deepsif", "preset": "small"},
        {"name": "deepsif", "deepsif": {"spatial_size": 8, "recurrent_layers": 2}},
    ],
)
def test_sizes_of_a_network_follow_from_its_weights(model):
    config = SourceModelConfig.model_validate(model)
    network = build_source_model(config, n_channels=7, n_regions=13)
    assert sizes_of(config, network.state_dict()) == (7, 13)


def test_a_trained_network_opens_with_its_weights(settings):
    network = build_source_model(settings().model, n_channels=10, n_regions=24)
    opened = TASK.open_model(settings(), network.state_dict())
    eeg = torch.randn(2, 30, 10)
    assert not opened.training
    assert torch.equal(opened(eeg), network.eval()(eeg))


def test_plan_tells_what_follows(settings):
    facts = TASK.describe(settings(model={"name": "deepsif", "preset": "full"}))
    assert "22,360,976 parameters for 75 channels and 994 regions" in facts["model"]
    assert facts["beside it"] == "sLORETA, MNE"
    TASK.check(settings())


def test_layout_of_earlier_loaders_is_trained_scored_and_reported(project, settings):
    """The whole path: source plans in, report out."""
    config = project / "source.yaml"
    resolved = settings(evaluation={"save_estimates": 1, "n_resamples": 20}).model_dump(mode="json")
    write_text(config, yaml.safe_dump(resolved))
    folder = experiment.train(config)
    run = open_run(folder)
    assert run.status == "completed"
    assert check_run(folder) == ()
    assert set(run.metrics) == {"validation", "test"}
    assert not math.isnan(run.metrics["test"]["peak_error_mm"])
    for split in ("validation", "test"):
        kept = run.of(split)
        assert len(kept.estimates.keys()) == 1
        methods = {row["method"] for row in kept.tables["localization"].rows}
        assert methods == {"model", "sLORETA", "MNE"}
    assert run.cortex.centre_mm.shape == (24, 3)
    assert not (run.of("test").path / "estimates/cortex.npz").exists(), "it is kept once"
    page = render_report(run)
    assert "Beside linear inverses: validation" in page
    assert "Beside linear inverses: test" in page
    assert "sLORETA" in page
    found = experiment.evaluate(folder, project / "source/test_sample_source1.mat")
    assert found.split == "test_sample_source1"
    assert dict(found.metrics) == pytest.approx(run.metrics["test"], nan_ok=True)
    without = settings(data={"test_metadata_path": None, "num_workers": 0})
    network = TASK.open_model(without, run.checkpoint()["model_state_dict"])
    with pytest.raises(DataError, match=r"has no examples of the split 'test'; set data"):
        TASK.score(without, network, run, split="test")

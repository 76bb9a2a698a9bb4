import numpy as np
import pytest
from click.testing import CliRunner

from neurorun import experiment
from neurorun.cli.attention import attention
from neurorun.core import Metric
from neurorun.runs import GazePage, GazeReview, amend_run, create_run, open_run

pytestmark = pytest.mark.unit

METRIC = Metric("val_loss", "lower", "1", "A loss.")


@pytest.fixture
def folder(tmp_path):
    """A run with the review of one window."""
    flat, page = np.zeros((2, 10)), np.ones((2, 500), np.float32)
    review = GazeReview(
        "a_P0_S0", "a", ("C3-Cz", "Cz-C4"), 50.0, 1.0, 0.0, 0, 0.2, False, flat + 1, flat, (),
        (GazePage(0.0, page, page),),
    )  # fmt: skip
    with create_run(
        tmp_path, "x", config={}, metrics=(METRIC,), monitor="val_loss", seed=0
    ) as record:
        path = record.folder
    with amend_run(path) as record:
        record.write_gaze_review(review)
    return path


def test_maps_are_counted_and_pictures_drawn_on_request(folder, monkeypatch):
    monkeypatch.setattr(experiment, "export_attention", lambda *_, **__: (3, 4))
    told = CliRunner().invoke(attention, [str(folder)])
    assert told.exit_code == 0, told.output
    assert told.output.startswith("3 maps were made, 4 were there already: ")
    assert not open_run(folder).pictures
    told = CliRunner().invoke(attention, [str(folder), "--pictures"])
    assert told.exit_code == 0, told.output
    assert {"a_P0_S0_strip", "a_P0_S0_page_1"} <= set(open_run(folder).pictures)
    for line in told.output.splitlines()[1:]:
        assert (folder / "pictures" / line.rpartition("/")[2]).is_file()

import math

import pytest
import yaml

from neurorun.cli.report import estimates_of
from neurorun.core import Metric
from neurorun.reporting import write_card
from neurorun.runs import ChosenPoint, Splits, SplitScores, amend_run, start_run

pytestmark = pytest.mark.integration

HOSTILE = "<script>alert(1)</script>"
SENSITIVITY = Metric("sensitivity", "higher", "1", "Found share.")


def run_in(folder, *, name="model", rows=True, **config):
    with start_run(
        folder, name, monitor="sensitivity", better="higher", metrics=[SENSITIVITY],
        config={"task": "seizure_detection", **config}, data_identity={"dataset": "simulated"},
    ) as run:  # fmt: skip
        run.write_splits(Splits({"a": "a"}, {"b": "b", "c": "c"}))
        run.log_epoch(1, {"sensitivity": 0.75})
        run.save_checkpoint("best", lambda stream: stream.write(b"x"))
        if rows:
            run.write_predictions(
                [
                    {"recording_id": name, "patient": name, "overlap_hits": hits,
                     "overlap_misses": 2 - hits}
                    for name, hits in (("b", 2), ("c", 1))
                ]
            )  # fmt: skip
    return run.folder


def card_of(folder, tmp_path):
    path = write_card(folder, tmp_path / "card.md", estimates=estimates_of(folder))
    return path.read_text()


def test_card_tells_metrics_with_intervals_data_and_limits(tmp_path):
    text = card_of(run_in(tmp_path, model={"width": 3}), tmp_path)
    front = yaml.safe_load(text.split("---")[1])
    assert front["tags"] == ["neurorun", "seizure_detection"]
    assert "| sensitivity | 0.750 \\[0.500, 1.000\\] |" in text
    assert "| validation | 2 | 2 |" in text
    assert "- dataset: simulated" in text
    assert "width = 3" in text
    assert "No intended use is stated in the settings of this run." in text
    assert "It was not tested on data apart" in text
    assert "run.checkpoint()" in text
    assert "nan" not in text


def test_what_is_stated_is_told(tmp_path):
    folder = run_in(
        tmp_path, experiment={"description": "Finds seizures.", "intended_use": "Research."}
    )
    with amend_run(folder) as run:
        run.write_scores(SplitScores("test", 1, {"sensitivity": math.nan}, {}))
        run.write_scores(SplitScores("other clinic", 1, {"sensitivity": 0.5}, {}))
        run.write_operating_points(
            [
                ChosenPoint("s", 10.0, True, 0.8, 0.6, 0.75, 8.0, "overlap", "validation"),
                ChosenPoint("s", 1.0, False, *[math.nan] * 4, "overlap", "validation"),
            ]
        )
    text = card_of(folder, tmp_path)
    assert "Finds seizures." in text
    assert "\nResearch.\n" in text
    assert "It was not tested" not in text
    assert "It was also scored on: other clinic." in text
    assert "| undefined |" in text
    assert "At 10 allowed false alarms per 24 h (thresholds 0.800 and 0.600" in text
    assert "1 false alarms per 24 h could not be reached by any threshold." in text


def test_names_cannot_become_markup(tmp_path):
    folder = run_in(tmp_path, name=HOSTILE, experiment={"description": f"[x](y) {HOSTILE}"})
    text = card_of(folder, tmp_path)
    assert "<script>" not in text.split("---", 2)[2]
    assert "[x](y)" not in text


def test_run_of_which_little_is_known_says_so(tmp_path):
    with start_run(tmp_path, "x", monitor="a", better="lower", config={}) as run:
        pass
    text = card_of(run.folder, tmp_path)
    assert "not named; it was trained by a loop of its own" in text
    assert "is not recorded" in text
    assert "There are no weights in the run folder." in text
    assert "No interval could be computed" in text

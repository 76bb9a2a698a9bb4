"""The JSON file of scores: the structure and the numbers of the published material."""

import json
import math
from pathlib import Path

import pytest

from neurorun.core import Event, Timeline, to_json
from neurorun.evaluation import (
    METHODS,
    bootstrap_intervals,
    methods_named,
    pair_by_name,
    read_pairs,
    score_document,
    score_recordings,
)

pytestmark = pytest.mark.integration

OWN = Path(__file__).resolve().parent / "data" / "scoring"
SHARED = Path(__file__).resolve().parents[2] / "../shared/data/scoring"
FILES = {"synthetic": OWN, "bundled": SHARED}
ABOUT = {"about"}
"""Remarks on a pair, which no program computed."""


def stored_scores(folder: str, **settings) -> dict:
    root = FILES[folder]
    if not (root / "expected.json").exists():
        pytest.skip("the pairs of NEDC are not here")
    pairing = pair_by_name(root / folder / "ref", root / folder / "hyp")
    report = score_recordings(read_pairs(pairing), patients=pairing.patients, **settings)
    return json.loads(to_json(score_document(report, folder=folder)))


def assert_same(found, wanted, place=""):
    """Every key, integer and null as published, floats to 1e-9; keys of ours may stand beside."""
    if isinstance(wanted, dict):
        for key in wanted.keys() - ABOUT:
            assert key in found, f"{place}/{key} is missing"
            assert_same(found[key], wanted[key], f"{place}/{key}")
    elif isinstance(wanted, float):
        assert isinstance(found, int | float), place
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9), place
    else:
        assert found == wanted, place


@pytest.mark.parametrize("folder", FILES)
def test_a_file_of_scores_holds_every_published_key_and_number(folder):
    found = stored_scores(folder)
    wanted = json.loads((FILES[folder] / "expected.json").read_text())
    wanted["pairs"] = {
        name: values for name, values in wanted["pairs"].items() if name.startswith(f"{folder}/")
    }
    wanted["totals"] = {folder: wanted["totals"][folder]}
    assert_same(found, wanted)
    assert found["pairs"].keys() == wanted["pairs"].keys()
    for name, values in wanted["pairs"].items():
        assert found["pairs"][name].keys() - values.keys() == {"taes_overlap"}


def test_only_the_methods_asked_for_have_keys():
    found = stored_scores("synthetic", methods=methods_named("dp,szcore-sample"))
    keys = {"dp_alignment", "sample_scoring_1hz"}
    assert found["methods"].keys() == keys
    assert all(pair.keys() == keys | {"duration_s"} for pair in found["pairs"].values())
    assert found["totals"]["synthetic"].keys() == keys | {"duration_s", "pairs"}


def test_every_method_has_its_own_key_and_says_its_version():
    found = stored_scores("synthetic", methods=methods_named("all"))
    assert len(found["methods"]) == len(METHODS)
    assert found["methods"]["kappa"]["method"] == "ira"
    assert found["methods"]["taes_overlap"]["version"] == "neurorun 1"
    assert (found["format"], found["format_version"]) == ("neurorun-scores", 1)


SILENT = (Timeline("r", 60.0), Timeline("r", 60.0))


def test_undefined_is_written_as_each_program_writes_it():
    report = score_recordings([SILENT], methods=["taes", "taes-overlap", "szcore-event"])
    totals = json.loads(to_json(score_document(report, folder="x")))["totals"]["x"]
    assert totals["taes"]["labels"]["seiz"]["sensitivity"] == 0
    assert totals["taes"]["labels"]["seiz"]["miss_rate"] == 1
    assert totals["taes_overlap"]["labels"]["seiz"]["sensitivity"] is None
    assert totals["taes_overlap"]["summary"]["sensitivity"] == 1
    assert totals["event_scoring"]["sensitivity"] is None


def test_means_and_intervals_stand_with_the_totals(rng):
    night = Timeline("a", 3600.0, (Event(10, 20),))
    pairs = [(night, night), (Timeline("b", 3600.0), Timeline("b", 3600.0, (Event(5, 9),)))]
    report = score_recordings(pairs, methods=["szcore-event"], patients={"a": "p", "b": "q"})
    drawn = bootstrap_intervals(report, rng=rng, n_resamples=50)
    document = score_document(report, folder="x", bootstrap=drawn)
    total = document["totals"]["x"]["event_scoring"]
    assert total["mean_over_patients"]["sensitivity"] == {"mean": 1.0, "std": 0.0, "n_patients": 1}
    interval = total["intervals"]["false_alarms_per_24h"]
    assert (interval["low"], interval["high"], interval["n_resamples"]) == (0.0, 24.0, 50)
    assert document["parameters"]["bootstrap"]["n_patients"] == 2
    assert math.isclose(total["fp_per_24h"], 12.0)


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(1)

import math
from dataclasses import replace

import pytest

from neurorun.runs import Difference, Splits, diff_runs
from neurorun.runs.difference import _same, flat
from neurorun.runs.metadata import read_metadata, write_metadata

pytestmark = pytest.mark.unit


def run_with(new_run, *, loss=0.5, splits=None, **changes):
    with new_run(**changes) as run:
        run.log_epoch(1, {"val_loss": loss, "sensitivity_at_10fa": 0.5})
        if splits:
            run.write_splits(splits)
    return run.folder


def test_equal_runs_do_not_differ(new_run):
    found = diff_runs(run_with(new_run), run_with(new_run))
    assert not found
    assert found.sections == dict.fromkeys(
        ("settings", "data", "source", "packages", "metrics"), ()
    )


def test_every_difference_has_its_section(new_run):
    first = run_with(new_run, splits=Splits({"a_1": "a"}, {"b_1": "b"}))
    second = run_with(
        new_run,
        loss=math.nan,
        config={"training": {"epochs": 3, "optimizer": "adamw"}},
        seed=8,
        data_identity={"dataset": "tusz"},
    )
    metadata = read_metadata(second)
    environment = replace(metadata.environment, packages={"numpy": "1.0"})
    source = replace(metadata.source, state="changed", patch="source.patch")
    write_metadata(second, replace(metadata, environment=environment, source=source))
    found = diff_runs(first, second)
    assert found
    settings = {item.key: (item.first, item.second) for item in found.settings}
    assert settings["training.optimizer"] == ("(absent)", "adamw")
    assert settings["training.batch_size"] == (4, "(absent)")
    assert settings["seed"] == (7, 8)
    assert Difference("dataset", "simulated", "tusz") in found.data
    assert "splits.train" in {item.key for item in found.data}
    assert {item.key for item in found.source} == {"state", "patch"}
    assert Difference("pydantic", found.packages[0].first, "(absent)") or found.packages
    assert [item.key for item in found.metrics] == ["validation.val_loss"]


def test_a_seed_that_is_a_setting_is_told_once(new_run):
    folders = [
        run_with(new_run, seed=seed, config={"experiment": {"seed": seed}}) for seed in (7, 8)
    ]
    assert [item.key for item in diff_runs(*folders).settings] == ["experiment.seed"]


def test_patches_differ_by_content(new_run):
    folders = []
    for text in (b"one", b"two"):
        with new_run() as run:
            run.log_epoch(1, {"val_loss": 0.5})
            metadata = read_metadata(run.folder)
            source = replace(metadata.source, patch="source.patch")
            write_metadata(run.folder, replace(metadata, source=source), patch=text)
        folders.append(run.folder)
    assert [item.key for item in diff_runs(*folders).source] == ["patch"]


def test_nested_settings_become_dotted_keys():
    assert flat({"a": {"b": 1, "c": [1, {"d": 2}]}, "e": {}}) == {"a.b": 1, "a.c": [1, {"d": 2}]}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [(math.nan, math.nan, True), (math.nan, 1.0, False), (1, 1.0, True), (True, 1, False)],
)
def test_values_that_are_the_same(first, second, same):
    assert _same(first, second) is same

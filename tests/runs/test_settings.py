import math

import hypothesis
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import FormatError, RunError
from neurorun.runs.settings import CONFIG, Headline, read_config, read_yaml, write_config

pytestmark = pytest.mark.unit

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=10,
)


@hypothesis.settings(max_examples=40, deadline=None)
@given(st.dictionaries(text, plain, max_size=4))
def test_settings_come_back(tmp_path_factory, settings):
    folder = tmp_path_factory.mktemp("x")
    write_config(folder, settings)
    assert read_config(folder) == settings


def test_separators_that_yaml_would_lose_come_back(tmp_path):
    write_config(tmp_path, {"a\x85b": 1})
    assert read_config(tmp_path) == {"a\x85b": 1}


def test_settings_are_readable_by_people(tmp_path):
    write_config(tmp_path, {"experiment": {"name": "Über"}, "lr": 1e-4, "rates": [10, 2.5]})
    assert (tmp_path / CONFIG).read_text(encoding="utf-8") == (
        "experiment:\n  name: Über\nlr: 0.0001\nrates:\n- 10\n- 2.5\n"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "cannot be read as YAML"),
        (b"\xff\xfe\xff", "cannot be read as YAML"),
        (b"!!python/object/apply:os.getcwd []", "cannot be read as YAML"),
        (b"- 1", "holds a list; a mapping of settings is needed"),
    ],
)
def test_damaged_settings_are_told_and_never_executed(tmp_path, content, message):
    (tmp_path / CONFIG).write_bytes(content)
    with pytest.raises(FormatError, match=message) as caught:
        read_config(tmp_path)
    assert "\n" not in str(caught.value)


def test_absent_settings_are_told(tmp_path):
    with pytest.raises(FormatError, match=r"cannot be read as YAML .*No such file"):
        read_yaml(tmp_path / CONFIG)


def test_headline_takes_the_names_of_earlier_programs():
    settings = {
        "experiment": {"name": "x"},
        "project_name": "crack-segmentation",
        "model": {"_target_": "crackseg.model.SwinV2CnnAsppUNet"},
        "data": {"root_dir": "data/unified"},
        "training": {"epochs": 8, "batch_size": 4, "learning_rate": 1e-4},
    }
    assert Headline.of(settings) == Headline(
        "x", "crack-segmentation", "crackseg.model.SwinV2CnnAsppUNet", "data/unified", 8, 4, 1e-4
    )


def test_what_is_not_told_is_none():
    assert Headline.of({}) == Headline(None, None, None, None, None, None, None)


def test_one_rate_per_group_of_weights_is_not_one_rate():
    assert Headline.of({"training": {"learning_rate": {"head": 0.1}}}).learning_rate is None


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("learning_rate", yaml.safe_load("1e-4"), r"learning_rate is '1e-4'; a number .* 1.0e-4"),
        ("epochs", 2.5, r"training.epochs is 2.5; a whole number is needed"),
        ("epochs", math.inf, r"training.epochs is inf; a whole number"),
        ("batch_size", True, r"training.batch_size is True; a number is needed"),
    ],
)
def test_numbers_written_as_something_else_are_told(key, value, message):
    with pytest.raises(RunError, match=message):
        Headline.of({"training": {key: value}})

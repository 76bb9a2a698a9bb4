from pathlib import Path

import pytest
from pydantic import PositiveInt

from neurorun.core import Config, ConfigError, parse_yaml, read_settings, validate_settings
from neurorun.core.config import nearest_of

pytestmark = pytest.mark.unit


class Inner(Config):
    learning_rate: float = 0.1
    epochs: PositiveInt = 1


class Outer(Config):
    training: Inner = Inner()
    name: str
    optional: Inner | None = None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("3E5", 3e5),
        ("-2.5e+3", -2500.0),
        ("1_0e2", 1000.0),
        ("1e", "1e"),
        ("e4", "e4"),
        ("1.5", 1.5),
        ("12", 12),
    ],
)
def test_numbers_with_an_exponent_are_numbers(text, value):
    assert parse_yaml(text) == value
    assert type(parse_yaml(text)) is type(value)


def test_a_key_that_stands_twice_is_refused():
    with pytest.raises(ConfigError, match="line 3: key 'epochs' stands twice"):
        parse_yaml("training:\n  epochs: 1\n  epochs: 2\n")


def test_a_fault_of_yaml_names_its_line():
    with pytest.raises(ConfigError, match="not readable as YAML: line 2"):
        parse_yaml("a: 1\nb: ]\n")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"name": "x", "training": {"learning_rte": 1}},
            r"c.yaml: 'training.learning_rte' is not a known key. Did you mean 'learning_rate'\?",
        ),
        ({"name": "x", "optional": {"epoch": 1}}, "Did you mean 'epochs'"),
        ({"name": "x", "trainng": {}}, "Did you mean 'training'"),
        ({}, "'name' is missing"),
        ({"name": "x", "training": {"epochs": 0}}, "'training.epochs' is 0; .*greater than 0"),
        ({"name": "x", "training": {"epochs": "many"}}, "'training.epochs' is 'many'"),
        ({"name": "x", "training": {"learning_rate": float("nan")}}, "finite"),
    ],
)
def test_faults_are_named_with_what_to_do(settings, message):
    with pytest.raises(ConfigError, match=message):
        validate_settings(settings, Outer, source="c.yaml")


def test_all_faults_are_listed_at_once():
    with pytest.raises(ConfigError) as caught:
        validate_settings({"training": {"a": 1, "b": 2}}, Outer, source="c.yaml")
    assert len(str(caught.value).splitlines()) == 3


def test_settings_cannot_change_after_validation():
    settings = validate_settings({"name": "x"}, Outer, source="c.yaml")
    with pytest.raises(ValueError, match="frozen"):
        settings.name = "y"


def test_overrides_reach_nested_keys_and_are_parsed_as_yaml(tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_text("name: x\ntraining: {epochs: 2}\n")
    settings = read_settings(path, ["training.learning_rate=1e-4", "optional.epochs=3"])
    assert settings["training"] == {"epochs": 2, "learning_rate": 1e-4}
    assert settings["optional"] == {"epochs": 3}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs", "a key and a value are needed"),
        ("=3", "a key and a value are needed"),
        ("name.first=3", "'name' is a value, not a section"),
    ],
)
def test_malformed_overrides_are_refused(tmp_path: Path, override, message):
    path = tmp_path / "c.yaml"
    path.write_text("name: x\n")
    with pytest.raises(ConfigError, match=message):
        read_settings(path, [override])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "NoneType, not sections"),
        (b"- 1\n", "list, not sections"),
        (b"\xff\xfe", "cannot be read"),
        (b"a: 1\na: 2\n", "c.yaml: line 2: key 'a' stands twice"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content, message):
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_settings(path)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="does not exist; the project's own are in configs/"):
        read_settings(tmp_path / "absent.yaml")


def test_without_a_near_name_all_known_ones_are_listed():
    assert nearest_of("zzz", ["b", "a"]) == "Known: a, b."

import argparse
import math
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from pydantic import BaseModel

from neurorun.core import RunError
from neurorun.runs.plain import look_up, measured_number, plain_number, plain_settings

pytestmark = pytest.mark.unit


class Tensor:
    """Looks like a one-element PyTorch tensor, which is not imported here."""

    def __init__(self, *values):
        self.values = values

    @property
    def shape(self):
        return (len(self.values),)

    def size(self):
        return self.shape

    def item(self):
        if len(self.values) != 1:
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self.values[0]

    def tolist(self):
        return list(self.values)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (np.float32(0.5), 0.5),
        (np.int64(2), 2.0),
        (np.array(0.25), 0.25),
        (np.array([0.25]), 0.25),
        (Tensor(0.125), 0.125),
        (math.inf, math.inf),
    ],
)
def test_numbers_of_every_library_become_floats(value, number):
    found = plain_number(value, name="loss")
    assert (found, type(found)) == (number, float)


@pytest.mark.parametrize("value", [math.inf, -math.inf, np.float32("inf")])
def test_infinite_measurements_are_told_and_undefined(value, caplog):
    assert math.isnan(measured_number(value, name="val_loss"))
    assert caplog.messages == [f"val_loss is {float(value)}; files hold it as undefined."]


def test_none_is_not_measured():
    assert math.isnan(plain_number(None, name="loss"))


@pytest.mark.parametrize("value", ["0.5", True, np.bool_(True), [0.5], {}, 1j, object()])
def test_anything_else_is_no_number(value):
    with pytest.raises(RunError, match=r"loss is .* a single number, or None .* float\(...\)"):
        plain_number(value, name="loss")


@pytest.mark.parametrize("value", [np.zeros(2), Tensor(1.0, 2.0)])
def test_several_numbers_are_refused(value):
    with pytest.raises(RunError, match=r"loss holds an array of shape \(2,\); a single number"):
        plain_number(value, name="loss")


class Optimizer(StrEnum):
    ADAMW = "adamw"


class Level(Enum):
    HIGH = 3


@dataclass
class Training:
    epochs: int
    optimizer: Optimizer


class Model(BaseModel):
    width: int


@pytest.mark.parametrize(
    "config",
    [
        {"training": {"epochs": 5, "optimizer": "adamw"}},
        {"training": Training(5, Optimizer.ADAMW)},
        SimpleNamespace(training=argparse.Namespace(epochs=np.int64(5), optimizer="adamw")),
    ],
)
def test_configurations_of_every_kind_become_the_same(config):
    assert plain_settings(config) == {"training": {"epochs": 5, "optimizer": "adamw"}}


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Path("a/b"), "a/b"),
        (date(2025, 1, 14), "2025-01-14"),
        (Level.HIGH, 3),
        ((1, 2.5), [1, 2.5]),
        ({"b", "a"}, ["a", "b"]),
        (np.float64(0.5), 0.5),
        (np.array([1, 2]), [1, 2]),
        (Tensor(1.0), [1.0]),
        (Model(width=8), {"width": 8}),
        ({1: None}, {"1": None}),
        (math.inf, math.inf),
        (True, True),
    ],
)
def test_values_become_plain(value, plain):
    found = plain_settings({"x": value})["x"]
    assert found == plain
    assert type(found) is type(plain)
    assert yaml.safe_load(yaml.safe_dump({"x": found})) == {"x": plain}


@pytest.mark.parametrize("value", [object(), b"raw", len, 1j])
def test_value_without_plain_form_is_named_by_its_key(value):
    with pytest.raises(RunError, match=r"Setting 'model.layers\[1\].norm' is .* are allowed"):
        plain_settings({"model": {"layers": [1, {"norm": value}]}})


def test_configuration_must_have_names():
    with pytest.raises(RunError, match="The configuration is a list; a mapping"):
        plain_settings([1, 2])


def test_first_key_with_a_value_is_found():
    settings = {"data": {"dataset_path": None, "root_dir": "x"}, "model": "unet"}
    assert look_up(settings, "data.dataset_path", "data.root_dir") == "x"
    assert look_up(settings, "model.name", "training.epochs") is None

import pytest

import neurorun
from neurorun import experiment

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", ["detect", "evaluate", "train"])
def test_the_functions_of_the_package_are_those_of_experiment(name):
    assert getattr(neurorun, name) is getattr(experiment, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        neurorun.trian  # noqa: B018 - the access itself is tested

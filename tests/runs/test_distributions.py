import pytest

from neurorun.core import RunError
from neurorun.runs.distributions import (
    ClassDistribution,
    read_class_distributions,
    write_class_distributions,
)

pytestmark = pytest.mark.unit


def test_distributions_come_back(tmp_path):
    kinds = {"background": 90, "partial": 7, "full": 3}
    written = [ClassDistribution("train", kinds, 100, "now")]
    write_class_distributions(tmp_path, written)
    assert read_class_distributions(tmp_path) == tuple(written)


def test_total_that_is_not_the_sum_is_refused():
    with pytest.raises(RunError, match="said to hold 3 items, its classes hold 2; both must agree"):
        ClassDistribution("train", {"a": 2}, 3, "now")

"""No task is forgotten."""

from pathlib import Path

import pytest

from neurorun.tasks import TASKS

pytestmark = pytest.mark.unit


def test_every_task_has_a_table_of_its_settings():
    tables = {path.parent.name for path in Path(__file__).parent.glob("*/test_settings.py")}
    assert tables == set(TASKS)

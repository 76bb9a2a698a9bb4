from pathlib import Path

import numpy as np
import pytest

from neurorun.evaluation.localization import SourceSpace, distances_between

DATA = Path(__file__).resolve().parents[3] / "../shared/data/source_imaging"


@pytest.fixture
def line():
    """Ten regions on a line, 10 mm apart, the last of twice the area."""
    centres = np.zeros((10, 3))
    centres[:, 0] = 10.0 * np.arange(10)
    areas = np.ones(10)
    areas[9] = 2.0
    return SourceSpace(centres, areas, distances_between(centres))


@pytest.fixture
def published_data():
    if not DATA.exists():
        pytest.skip("the data set is not here")
    return DATA

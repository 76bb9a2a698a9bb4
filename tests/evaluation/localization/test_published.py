import math

import numpy as np
import pytest

from neurorun.evaluation.localization import published_regions, published_scores


@pytest.mark.integration
@pytest.mark.parametrize("place", range(4))
def test_measures_are_those_of_the_published_programs(published_data, place):
    from scipy.io import loadmat

    expected = np.load(published_data / "expected/region_metrics.npz")
    samples = np.load(published_data / "expected/test_samples.npz")
    plan = loadmat(published_data / "project/source/test_sample_source1.mat")["selected_region"]
    anatomy = loadmat(published_data / "project/anatomy/dis_matrix_fs_20k.mat")
    row = expected["index"][place]
    sources = tuple(some[some < 994].astype(np.int64) for some in plan[row])
    truth = samples["source"][samples["index"].tolist().index(row)]
    estimate = expected["prediction"][place].astype(np.float32)
    found = published_scores(estimate, truth, sources, anatomy["raw_dis_matrix"])
    assert set(found.regions) == set(expected["regions"][place].tolist()) - {-1}
    assert found.precision == expected["precision"][place]
    assert found.recall == expected["recall"][place]
    assert found.error_mm == pytest.approx(expected["localisation_error"][place], abs=1e-9)
    for name, values in {
        "source_precision": found.source_precision,
        "source_recall": found.source_recall,
        "source_localisation_error": found.source_error_mm,
        "source_correlation": found.source_correlation,
    }.items():
        np.testing.assert_allclose(values, expected[name][place], rtol=1e-12)


@pytest.mark.unit
def test_result_depends_on_scale_as_published():
    estimate = np.tile(np.linspace(0, 1, 5, dtype=np.float32), (20, 1))
    assert published_regions(estimate).tolist() == [2, 3, 4]
    assert published_regions(0.1 * estimate).size == 0


@pytest.mark.unit
def test_nothing_selected_is_undefined_instead_of_an_error():
    silent = np.zeros((20, 5), dtype=np.float32)
    found = published_scores(silent, silent, (np.array([1, 2]), np.array([3])), np.ones((5, 5)))
    assert found.regions == ()
    assert all(map(math.isnan, (found.precision, found.recall, found.error_mm)))
    assert all(map(math.isnan, (*found.source_recall, *found.source_correlation)))


@pytest.mark.unit
def test_constant_activity_selects_all_or_nothing_as_published():
    assert published_regions(np.full((20, 3), 0.5, dtype=np.float32)).tolist() == [0, 1, 2]

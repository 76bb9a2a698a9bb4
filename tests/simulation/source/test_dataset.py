"""What the seed's snippets do."""

import pickle

import numpy as np
import pytest

from neurorun.simulation import (
    SpikeEEGMetadataDataset,
    create_dataloaders_from_metadata,
    load_leadfield,
)

pytestmark = pytest.mark.unit


@pytest.fixture
def dataset(small_world, tmp_path):
    def make(**more):
        return SpikeEEGMetadataDataset(
            small_world / "source/train_sample_source1.mat",
            load_leadfield(small_world / "anatomy/leadfield.mat"),
            store_dir=tmp_path / "store",
            **more,
        )

    return make


def test_an_item_has_the_axes_and_type_of_the_published_loader(project, leadfield, store_dir):
    dataset = SpikeEEGMetadataDataset(
        metadata_path=project / "source/train_sample_source1.mat",
        fwd=leadfield.T,
        nmm_spikes_dir=project / "source/nmm_spikes",
        dataset_len=None,
        normalize=True,
        store_dir=store_dir,
    )
    eeg, source = dataset[0]
    assert (eeg.shape, source.shape) == ((500, 75), (500, 994))
    assert (eeg.dtype, source.dtype) == (np.float32, np.float32)
    assert len(dataset) == 264
    assert np.abs(eeg).max() == pytest.approx(1)
    assert source.max() == pytest.approx(1)


def test_the_same_item_comes_each_time(dataset):
    first, second = dataset(), dataset()
    for index in (3, -1):
        np.testing.assert_array_equal(first[index][0], second[index][0])
    assert np.any(dataset(epoch=1)[3][0] != first[3][0])
    with pytest.raises(IndexError, match="row 16 of 16"):
        first[16]


def test_a_dataset_travels_to_other_processes(dataset):
    here = dataset(noise="deepsif")
    there = pickle.loads(pickle.dumps(here))
    np.testing.assert_array_equal(here[2][0], there[2][0])


def test_lengths_are_stratified_or_first(dataset):
    assert len(dataset(dataset_len=5)) == 5
    first = dataset(dataset_len=5, subset="first")
    np.testing.assert_array_equal(first[4][0], dataset()[4][0])


def test_recorded_noise_can_be_given(dataset, tmp_path):
    from neurorun.simulation import save_mat

    noise = np.random.default_rng(0).standard_normal((2, 500, 8))
    save_mat(tmp_path / "noise.mat", {"data": noise})
    eeg, _ = dataset(noise="realistic", recorded_noise=tmp_path / "noise.mat")[0]
    assert np.isfinite(eeg).all()


@pytest.mark.parametrize("n_workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_four_results_with_the_arguments_of_the_seed(small_world, tmp_path, n_workers):
    torch = pytest.importorskip("torch")
    train, validation, test, nothing = create_dataloaders_from_metadata(
        train_metadata_path=small_world / "source/train_sample_source1.mat",
        test_metadata_path=small_world / "source/test_sample_source1.mat",
        fwd_matrix_path=small_world / "anatomy/leadfield.mat",
        batch_size=4,
        val_split=0.25,
        num_workers=n_workers,
        nmm_spikes_dir=small_world / "source/nmm_spikes",
        train_dataset_len=None,
        test_dataset_len=None,
        validation_by="patch",
        store_dir=tmp_path / "store",
    )
    assert nothing is None
    assert (len(train), len(validation), len(test)) == (3, 1, 1)
    first, second = list(train), list(train)
    assert first[0][0].shape == (4, 500, 8)
    assert first[0][1].shape == (4, 500, 30)
    assert first[0][0].dtype == torch.float32
    assert not any(torch.equal(a[0], b[0]) for a, b in zip(first, second, strict=True))
    assert torch.equal(next(iter(test))[0], next(iter(test))[0])


def test_rows_left_out_are_said(small_world, tmp_path, caplog, project, store_dir):
    pytest.importorskip("torch")
    create_dataloaders_from_metadata(
        project / "source/train_sample_source1.mat",
        project / "source/test_sample_source1.mat",
        project / "anatomy/leadfield_75_20k.mat",
        num_workers=0,
        store_dir=store_dir,
    )
    assert "lie on both sides of the division and are left out" in caplog.text

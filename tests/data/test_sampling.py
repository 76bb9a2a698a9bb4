import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import DataError
from neurorun.data import (
    EpochSampler,
    SamplingConfig,
    WindowKind,
    WindowTable,
    balanced_selection,
    window_weights,
)

pytestmark = pytest.mark.unit

BORDERS = {"full_ratio": 0.3, "background_ratio": 2.5}


def table_of(*kinds):
    """Make a table of so many windows of each kind, mixed."""
    samples = np.repeat([50, 100, 0, -1], [*kinds, *[0] * (4 - len(kinds))])
    samples = np.random.default_rng(0).permutation(samples)
    column = np.arange(len(samples), dtype=np.int32)
    return WindowTable(column, column, column.astype(np.int64), samples, 100)


def counts(table, rows):
    return [int((table.kind[rows] == kind).sum()) for kind in (1, 2, 0)]


def test_the_published_corpus_gives_49760_windows():
    table = table_of(13_095, 6_759, 232_235)
    chosen = balanced_selection(table, **BORDERS, seed=42)
    assert len(chosen) == 49_760
    assert counts(table, chosen) == [13_095, 3_928, 32_737]
    sampler = EpochSampler(table, SamplingConfig(), seed=42)
    assert (len(sampler), len(sampler.order(3))) == (49_760, 49_760)
    assert sampler.seizure_share == pytest.approx(0.3421, abs=5e-5)


def test_the_fixed_selection_is_drawn_as_earlier_programs_did():
    table = table_of(40, 30, 300)
    partial, full, background = (np.flatnonzero(table.kind == kind) for kind in (1, 2, 0))
    rng = np.random.default_rng(42)
    expected = list(partial)
    expected += [full[i] for i in rng.choice(30, 12, replace=False)]
    expected += [background[i] for i in rng.choice(300, 100, replace=False)]
    rng.shuffle(expected)
    assert balanced_selection(table, **BORDERS, seed=42).tolist() == expected


def test_there_are_never_more_windows_than_there_are():
    table = table_of(10, 2, 5)
    assert counts(table, balanced_selection(table, **BORDERS, seed=0)) == [10, 2, 5]


@given(
    st.tuples(st.integers(1, 30), st.integers(0, 40), st.integers(0, 200)),
    st.floats(0, 3),
    st.floats(0, 5),
    st.integers(0, 9),
)
def test_redrawing_keeps_the_proportions_and_sees_everything(kinds, full, background, seed):
    table = table_of(*kinds)
    config = SamplingConfig(full_ratio=full, background_ratio=background)
    sampler = EpochSampler(table, config, seed=seed)
    n_partial, n_full, n_background = kinds
    wanted = [
        n_partial,
        min(int(full * n_partial), n_full),
        min(int(background * n_partial), n_background),
    ]
    n_epochs = (
        max(-(-n // w) for n, w in zip(kinds, wanted, strict=True) if w) if any(wanted) else 0
    )
    seen = set()
    for epoch in range(n_epochs):
        order = sampler.order(epoch)
        assert counts(table, order) == wanted
        assert len(set(order.tolist())) == len(order) == len(sampler)
        seen |= set(order.tolist())
    assert counts(table, sorted(seen)) == [
        n if w else 0 for n, w in zip(kinds, wanted, strict=True)
    ]


@pytest.mark.parametrize(
    "config",
    [
        SamplingConfig(),
        SamplingConfig(sampling="fixed"),
        SamplingConfig(use_balanced_sampling=False),
        SamplingConfig(max_samples=20),
        SamplingConfig(sampling="fixed", max_samples=20),
        SamplingConfig(sampling="oversampled"),
        SamplingConfig(sampling="oversampled", max_samples=20),
    ],
)
def test_an_order_is_a_function_of_seed_and_epoch(config):
    table = table_of(20, 30, 200)
    orders = [EpochSampler(table, config, seed=1).order(epoch).tolist() for epoch in (3, 0, 3)]
    assert orders[0] == orders[2] != orders[1]
    assert EpochSampler(table, config, seed=2).order(3).tolist() != orders[0]


def test_the_fixed_selection_is_shuffled_anew_every_epoch():
    sampler = EpochSampler(table_of(20, 30, 200), SamplingConfig(sampling="fixed"), seed=1)
    first, second = sampler.order(0).tolist(), sampler.order(1).tolist()
    assert first != second
    assert sorted(first) == sorted(second)


def test_without_balance_every_labelled_window_is_seen_once():
    table = table_of(5, 5, 50, 40)
    sampler = EpochSampler(table, SamplingConfig(use_balanced_sampling=False), seed=1)
    order = sampler.order(0)
    assert sorted(order.tolist()) == np.flatnonzero(table.kind >= 0).tolist()
    assert sampler.seizure_share == pytest.approx(10 / 60)


def test_the_number_of_windows_can_be_limited():
    table = table_of(20, 30, 200)
    fixed = EpochSampler(table, SamplingConfig(sampling="fixed", max_samples=7), seed=1)
    assert len(fixed) == len(fixed.order(0)) == 7
    assert sorted(fixed.order(0)) == sorted(fixed.order(1))
    redrawn = EpochSampler(table, SamplingConfig(max_samples=7), seed=1)
    assert sorted(redrawn.order(0)) != sorted(redrawn.order(1))


def test_without_partial_windows_there_is_nothing_to_balance_on():
    message = r"None of 25 windows holds the border of a seizure \(5 lie within one\), so there"
    with pytest.raises(DataError, match=message):
        EpochSampler(table_of(0, 5, 20), SamplingConfig(), seed=0)


def test_windows_without_labels_are_no_background():
    with pytest.raises(DataError, match=r"None of 9 windows belongs to an annotated recording"):
        EpochSampler(table_of(0, 0, 0, 9), SamplingConfig(), seed=0)


def test_kinds_cover_the_table():
    table = table_of(3, 4, 5, 6)
    assert [len(table.of_kind(kind)) for kind in WindowKind] == [6, 5, 3, 4]


@given(
    st.tuples(st.integers(0, 30), st.integers(0, 40), st.integers(1, 200)),
    st.one_of(st.none(), st.integers(2, 60)),
    st.integers(0, 9),
)
def test_oversampling_makes_half_of_every_epoch_seizure(kinds, limit, seed):
    kinds = (kinds[0], max(kinds[1], 1), kinds[2])
    table = table_of(*kinds, 7)
    config = SamplingConfig(sampling="oversampled", max_samples=limit)
    sampler = EpochSampler(table, config, seed=seed)
    n_labelled = sum(kinds)
    assert len(sampler) == min(limit or n_labelled, n_labelled)
    for epoch in (0, 5):
        order = sampler.order(epoch)
        assert len(order) == len(sampler)
        held = table.n_seizure_samples[order]
        assert (held > 0).sum() == len(order) // 2
        assert (held >= 0).all()
        shown = np.bincount(order, minlength=len(table))
        for of_class in (table.n_seizure_samples > 0, table.n_seizure_samples == 0):
            assert np.ptp(shown[of_class]) <= 1


def test_oversampling_shows_all_background_over_the_epochs():
    table = table_of(10, 5, 300)
    sampler = EpochSampler(table, SamplingConfig(sampling="oversampled"), seed=3)
    seen = set(sampler.order(0).tolist()) | set(sampler.order(1).tolist())
    assert len(seen) == 315
    assert sampler.seizure_share == pytest.approx(0.5, abs=0.01)


def test_oversampling_needs_no_border_but_both_classes():
    assert len(EpochSampler(table_of(0, 5, 20), SamplingConfig(sampling="oversampled"), seed=0))
    message = r"Of 20 labelled windows 0 hold some seizure; windows of both kinds are needed"
    with pytest.raises(DataError, match=message):
        EpochSampler(table_of(0, 0, 20), SamplingConfig(sampling="oversampled"), seed=0)


@pytest.mark.parametrize("sampling", ["redrawn", "fixed", "oversampled"])
def test_the_kinds_of_an_epoch_are_counted(sampling):
    table = table_of(20, 30, 200, 9)
    sampler = EpochSampler(table, SamplingConfig(sampling=sampling), seed=1)
    for epoch in range(3):
        found = sampler.counts(epoch)
        partial, full, background = counts(table, sampler.order(epoch))
        assert found == {"background": background, "partial": partial, "full": full}
        assert sum(found.values()) == len(sampler)


def test_weights_draw_both_classes_equally_often():
    data = pytest.importorskip("torch.utils.data")
    torch = pytest.importorskip("torch")
    table = table_of(30, 10, 960, 50)
    weights = window_weights(table)
    held = table.n_seizure_samples
    assert weights[held > 0].sum() == pytest.approx(weights[held == 0].sum()) == 960
    assert not weights[held < 0].any()
    drawn = data.WeightedRandomSampler(
        weights.tolist(), 20_000, generator=torch.Generator().manual_seed(0)
    )
    assert np.mean(held[list(drawn)] > 0) == pytest.approx(0.5, abs=0.015)


@pytest.mark.parametrize("kinds", [(0, 0, 9), (4, 5, 0)])
def test_weights_need_both_classes(kinds):
    with pytest.raises(DataError, match=r"weights need windows of both classes"):
        window_weights(table_of(*kinds))

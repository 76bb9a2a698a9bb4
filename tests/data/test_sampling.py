import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import DataError
from neurorun.data import EpochSampler, SamplingConfig, WindowKind, WindowTable, balanced_selection

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

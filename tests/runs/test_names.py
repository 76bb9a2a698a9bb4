from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorun.core import ConfigError, RunError
from neurorun.runs.names import RUN_NAME, file_stem, identity_of, run_folder_name

pytestmark = pytest.mark.unit

STARTED = datetime(2025, 1, 14, 9, 30, 12)


@pytest.mark.parametrize(
    ("pattern", "experiment", "name"),
    [
        (RUN_NAME, "demo", "20250114_093012-demo"),
        ("run_{timestamp}", "demo", "run_20250114_093012"),
        ("{experiment}", "Épilepsie λ", "Épilepsie λ"),
        ("{experiment}", "a/b\\c:d\n", "a-b-c-d-"),
        ("{experiment}", "../../etc", "-..-etc"),
        ("{experiment}", "{timestamp}", "{timestamp}"),
    ],
)
def test_pattern_is_filled_in(pattern, experiment, name):
    assert run_folder_name(pattern, experiment=experiment, started=STARTED) == name


def test_unknown_placeholder_is_named():
    with pytest.raises(ConfigError, match=r"'\{date\}'; only \{timestamp\} and \{experiment\}"):
        run_folder_name("{date}", experiment="x", started=STARTED)


@pytest.mark.parametrize("experiment", ["", "...", "  "])
def test_pattern_without_a_letter_is_refused(experiment):
    with pytest.raises(ConfigError, match=r"gives no folder name .* at least one letter"):
        run_folder_name("{experiment}", experiment=experiment, started=STARTED)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_file_names_are_reversible_and_stay_in_their_folder(identity):
    stem = file_stem(identity)
    assert identity_of(stem) == identity
    assert not set(stem) & set('/\\:*?"<>|\0')
    assert not stem.startswith(".")


def test_usual_names_stay_readable():
    assert file_stem("sub-01_ses-02_run-00 (Über)") == "sub-01_ses-02_run-00 (Über)"


def test_empty_identity_is_refused():
    with pytest.raises(RunError, match="empty recording_id; a name is needed"):
        file_stem("")


def test_a_foreign_file_name_is_its_own_identity():
    assert identity_of("%ff") == "%ff"

import base64
import hashlib
import html
import json
import re
import sys
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest

from neurorun.core import DataError, Event, MissingExtraError
from neurorun.reporting import (
    render_report,
    render_review,
    review_page_name,
    write_report,
    write_review,
    write_review_index,
)
from neurorun.reporting.review import review_links
from neurorun.runs import open_run

pytestmark = pytest.mark.unit

HOSTILE = "</script><script>alert('x')</script>{{ 7 * 7 }} \u2028 & \"Zoë\""


@pytest.fixture(scope="module")
def run(finished_once):
    return open_run(finished_once)


def has(page, *words):
    return [one for one in words if one not in page.text] == []


def test_a_page_tells_what_was_missed_and_found(run, material_of, make):
    page = make.page(render_review(run, material_of()))
    assert has(
        page, "2 seizures: 1 missed, 1 found; 1 false alarm.", "missed 0:00:30-0:00:40, 10 s"
    )
    assert has(
        page,
        "false alarm 0:00:50-0:00:55, 5 s",
        "found 0:00:05-0:00:15, 10 s; detected 0:00:08-0:00:16",
    )
    assert has(page, "All of the EEG is in this page: 64 samples per second in steps of 0.5 µV.")
    kinds = re.findall(r'<span class="kind">([^<]+)</span>', render_review(run, material_of()))
    assert kinds == ["missed", "false alarm", "found"]


def test_a_page_loads_nothing_and_runs_only_its_own_program(run, material_of, make):
    html = render_review(run, material_of())
    page = make.page(html)
    assert page.targets == ["data:,"]
    assert not {name for name in page.attributes if name.startswith("on") or name == "style"}
    assert len(page.ids) == len(set(page.ids))
    assert not {"iframe", "object", "embed", "base", "form"} - {"form"} & set(page.tags)
    assert not re.search(r"https?://|@import|url\(", html)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def facts_in(html):
    text = re.search(r'<script type="application/json" id="facts">(.*?)</script>', html)[1]
    return json.loads(text)


def test_the_program_gets_events_thresholds_and_names(run, material_of):
    facts = facts_in(render_review(run, material_of()))
    assert facts["thresholds"] == [0.86, 0.78]
    assert facts["channels"] == ["Fp1", "Cz"]
    assert [one["kind"] for one in facts["moments"]] == ["missed", "false alarm", "found"]
    assert facts["detected"][0]["confidence"] == 0.9
    assert facts["gaps"] == [[20.0, 25.0]]


@pytest.mark.parametrize("part", ["recording_id", "patient", "channel", "label", "missing"])
def test_hostile_names_are_only_text(run, material_of, make, part):
    changes = {
        "recording_id": {"recording_id": HOSTILE},
        "patient": {"patient": HOSTILE},
        "channel": {"channels": (HOSTILE, "Cz")},
        "label": {"reference": (Event(1, 2, HOSTILE),)},
        "missing": {"missing": (HOSTILE,)},
    }[part]
    html = render_review(run, material_of(**changes))
    page = make.page(html)
    assert page.tags.count("script") == 3
    assert html.count("</script>") == 3
    assert HOSTILE in json.dumps(facts_in(html), ensure_ascii=False).replace('\\"', '"') or (
        "<script>alert('x')</script>{{ 7 * 7 }}" in page.text
    )


def test_the_size_of_a_page_is_bounded_and_the_page_says_what_is_coarse(run, material_of, make):
    long = material_of(seconds=1500, gaps=())
    html = render_review(run, long, largest_bytes=200_000)
    assert len(html.encode()) <= 200_000
    assert has(
        make.page(html), "around the events are in this page at full resolution", "Elsewhere only"
    )
    whole = render_review(run, long)
    assert len(whole.encode()) > 200_000
    assert has(make.page(whole), "All of the EEG is in this page")


def test_a_limit_below_the_page_itself_is_refused(run, material_of):
    with pytest.raises(
        DataError, match=r"at most 9,000 bytes has no room for any EEG of 'night_1'"
    ):
        render_review(run, material_of(), largest_bytes=9000)


def test_the_same_material_gives_the_same_bytes(run, material_of):
    assert render_review(run, material_of()) == render_review(run, material_of())


def test_what_is_not_known_is_told_and_not_judged(run, material_of, make):
    reason = "The EEG and its annotations are not in this page: the disk is at home."
    html = render_review(run, material_of(signal=None, reference=None, missing=(reason,)))
    page = make.page(html)
    assert has(
        page,
        reason,
        "2 detections; what was annotated is not known.",
        "detected 0:00:08-0:00:16, 8 s",
    )
    assert "false alarm 0:00:50" not in page.text
    assert "channels" not in facts_in(html)


def test_without_probabilities_a_page_has_none(run, material_of):
    assert "probability" not in facts_in(render_review(run, material_of(probabilities=None)))


def test_gaps_and_filters_are_told(run, material_of, make):
    settings = {"bandpass": [0.5, 70.0], "notch_freq": 50}
    other = SimpleNamespace(
        name=run.name, record=run.record, config={**run.config, "preprocessing": settings}
    )
    page = make.page(render_review(as_run(other, run), material_of()))
    assert has(page, "5 s of 1:00 hold no EEG.", "band-pass 0.5 to 70 Hz, notch at 50 Hz.")


def as_run(other, run):
    """An open run with other settings."""
    changed = open_run(run.path)
    changed.__dict__["config"] = other.config
    return changed


def test_a_run_without_thresholds_has_none_in_its_pages(run, material_of):
    html = render_review(as_run(SimpleNamespace(config={}), run), material_of())
    assert facts_in(html)["thresholds"] == []
    dialog = html.partition("<dialog")[2]
    assert "probability of a seizure." in dialog


def test_the_list_of_pages_begins_with_the_worst(run, material_of, tmp_path, make):
    for name, reference in (("good", ()), ("bad", (Event(30, 40), Event(42, 44))), (HOSTILE, ())):
        detected = () if name != "bad" else (Event(50, 55),)
        material = material_of(recording_id=name, reference=reference, detected=detected)
        write_review(run, material, tmp_path / review_page_name(name))
    (tmp_path / "mine_review.html").write_text("<p>somebody's own page</p>")
    html = write_review_index(run, tmp_path).read_text(encoding="utf-8")
    page = make.page(html)
    names = re.findall(r'<a href="([^"]+)">', html)
    assert names[0] == "bad_review.html"
    assert names[2] == "good_review.html"
    assert "script" not in page.tags
    assert has(page, "2 seizures: 2 missed, 0 found; 1 false alarm.", "1.0 min", HOSTILE[:30])
    assert len(names) == 3


def test_an_empty_list_says_so(run, tmp_path, make):
    page = make.page(write_review_index(run, tmp_path).read_text(encoding="utf-8"))
    assert has(page, "There are none yet.")


def test_the_report_links_the_pages_that_exist(finished, material_of, make):
    run = open_run(finished)
    assert review_links(finished) == {}
    before = render_report(run)
    assert "review/" not in before
    page = write_review(
        run, material_of(recording_id="ann_1"), finished / "review" / review_page_name("ann_1")
    )
    report = render_report(run)
    assert review_links(finished) == {"ann_1": "review/ann_1_review.html"}
    targets = {one.partition("#")[0] for one in make.page(report).targets if "review" in one}
    assert targets == {"review/ann_1_review.html"}
    assert page.is_file()
    assert "Scroll through the whole recording" in report
    page.unlink()
    assert render_report(run) == before


def test_without_jinja_the_command_that_installs_it_is_told(
    monkeypatch, run, material_of, tmp_path
):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r'pip install "neurorun\[report\]"'):
        write_review(run, material_of(), tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_pages_are_no_part_of_what_is_checked(finished, material_of):
    from neurorun.runs import check_run

    run = open_run(finished)
    write_review(run, material_of(), finished / "review" / "a_review.html")
    assert check_run(finished) == ()


def test_probabilities_of_every_stretch_are_kept(run, material_of):
    pieces = ((0.0, np.float32([0.5] * 64)), (30.0, np.float32([0.25] * 128)))
    entries = facts_in(render_review(run, material_of(probabilities=pieces)))["probability"]
    assert [(one["onset_s"], one["n"]) for one in entries] == [(0.0, 16), (30.0, 32)]


def test_a_report_elsewhere_leads_to_the_pages_in_the_run_folder(finished, tmp_path):
    name = "ann 1#a_review.html"
    page = '<!doctype html><head><meta name="neurorun-review" content="{}"></head>'
    told = {"recording_id": "ann_1", "patient": "ann", "duration_s": 9.0, "words": "", "faults": 0}
    (finished / "review").mkdir(exist_ok=True)
    (finished / "review" / name).write_text(page.format(html.escape(json.dumps(told))))
    for output in (
        finished / "report.html",
        tmp_path / "other place" / "deep" / "page.html",
        finished / "sub" / "page.html",
    ):
        text = write_report(finished, output).read_text()
        links = set(re.findall(r'href="([^"#]*_review\.html)', text))
        assert links
        for link in links:
            assert (output.parent / unquote(link)).resolve() == (finished / "review" / name)

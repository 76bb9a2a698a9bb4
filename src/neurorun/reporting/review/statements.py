"""What a page holds, what it does not, and how its EEG was prepared: whole sentences."""

from collections.abc import Mapping
from typing import Any

from neurorun.reporting.review.material import Material
from neurorun.reporting.review.moments import Judgement
from neurorun.reporting.review.settings import setting
from neurorun.reporting.words import clock, duration_in_words
from neurorun.runs import Run


def statements(
    run: Run, material: Material, judged: Judgement, contents: Mapping[str, Any]
) -> list[str]:
    """Tell a reader what he sees.

    Parameters
    ----------
    judged : events of the recording
    contents : of what is embedded in the page; empty before anything is
    """
    told = list(material.missing)
    if "channels" in contents:
        told += [_extent(contents, judged), _preparation(run)]
    if material.gaps:
        lost_s = sum(offset_s - onset_s for onset_s, offset_s in material.gaps)
        told.append(f"{duration_in_words(lost_s)} of {clock(material.duration_s)} hold no EEG.")
    if contents.get("probability"):
        bin_s = contents["probability"][0]["bin_s"]
        told.append(f"Probability: lowest and highest of every {bin_s:.3g} s.")
    return [one for one in told if one]


def _extent(contents: Mapping[str, Any], judged: Judgement) -> str:
    """Where full resolution is, and how coarse the rest."""
    rate_hz, step_uv = contents["rate_hz"], contents["step_uv"]
    fine = f"{rate_hz:g} samples per second in steps of {step_uv:.2g} \u00b5V"
    if contents["whole"]:
        return f"All of the EEG is in this page: {fine}."
    n_samples = sum(n for run in contents["detail"] for n, _ in run["blocks"])
    bin_s, envelope_uv = contents["envelope"][0]["bin_s"], contents["envelope_step_uv"]
    where = "around the events" if judged.moments else "from the start on"
    return (
        f"{duration_in_words(n_samples / rate_hz)} {where} are in this page at full resolution "
        f"({fine}). Elsewhere only the envelope is: the lowest and the highest value of "
        f"every {bin_s:.3g} s, rounded outwards to {envelope_uv:.2g} \u00b5V; single waves cannot "
        "be read there."
    )


def _preparation(run: Run) -> str:
    """How the signal was filtered, from the settings of the run; empty if it has none."""
    band = setting(run, "preprocessing.bandpass")
    notch = setting(run, "preprocessing.notch_freq")
    parts = [
        f"band-pass {band[0]:g} to {band[1]:g} Hz" if band else "",
        f"notch at {notch:g} Hz" if notch else "",
    ]
    filters = ", ".join(part for part in parts if part)
    return f"It is shown as the detector was given it: {filters}." if filters else ""

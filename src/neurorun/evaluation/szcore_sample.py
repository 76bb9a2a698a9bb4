"""SzCORE sample scoring: both sides on a grid of 1 Hz, second by second; timescoring 0.0.7.

Onsets and offsets are rounded to whole seconds, halves to even. (The paper says that a second is
seizure if half of it is covered; the program rounds both ends, so an event from 10.4 s to 10.6 s
marks second 10, of which it covers a fifth. This follows the program.)

References
----------
.. [1] Dan, Pale, Amirshahi et al., "SzCORE: seizure community open-source research evaluation
   framework", Epilepsia 66(S3), 2025, section 2.6.
.. [2] timescoring 0.0.7, ``scoring.SampleScoring``.
"""

from neurorun.core import SEIZURE
from neurorun.evaluation.counts import DetectionCounts
from neurorun.evaluation.method import ScoringMethod, register
from neurorun.evaluation.szcore_event import Bounds, Stretches, on_grid, seizure_bounds
from neurorun.evaluation.tiling import ScoringPair

RATE_HZ = 1


def count_szcore_samples(pair: ScoringPair) -> DetectionCounts:
    """Count seconds of seizure found and seconds of false alarm of one recording.

    Parameters
    ----------
    pair : one recording, annotated and detected; every class but background is a seizure
    """
    return count_seconds(
        seizure_bounds(pair.reference_events, pair.classes),
        seizure_bounds(pair.detected_events, pair.classes),
        n_samples=round(pair.duration_s * RATE_HZ),
    )


def count_seconds(reference: Bounds, detected: Bounds, *, n_samples: int) -> DetectionCounts:
    """Count seconds on a grid of 1 Hz.

    Parameters
    ----------
    reference, detected : in order of time, none sharing time with another of its list
    n_samples : length of the recording, seconds
    """
    annotated = [on_grid(bounds, n_samples, RATE_HZ) for bounds in reference]
    proposed = [on_grid(bounds, n_samples, RATE_HZ) for bounds in detected]
    n_found = _n_shared(annotated, proposed)
    return DetectionCounts(
        name=SEIZURE,
        n_reference=sum(stop - first for first, stop in annotated),
        n_found=n_found,
        n_false_alarms=sum(stop - first for first, stop in proposed) - n_found,
        n_samples=n_samples,
        rate_hz=RATE_HZ,
    )


def _n_shared(first: Stretches, second: Stretches) -> int:
    """Samples that lie in stretches of both lists."""
    shared = i = j = 0
    while i < len(first) and j < len(second):
        begin = max(first[i][0], second[j][0])
        shared += max(0, min(first[i][1], second[j][1]) - begin)
        if first[i][1] <= second[j][1]:
            i += 1
        else:
            j += 1
    return shared


SZCORE_SAMPLE = register(
    ScoringMethod(
        name="szcore-sample",
        version="timescoring 0.0.7",
        definition="Seconds of seizure, second by second.",
        unit="samples of 1 s",
        count=count_szcore_samples,
        mean_over_patients=True,
        file_key="sample_scoring_1hz",
    )
)

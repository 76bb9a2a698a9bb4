"""SzCORE scores of a data set as its leaderboard computes them: szcore-evaluation 0.0.7.

Before either SzCORE scoring, szcore-evaluation cuts onsets, offsets and the length of the recording
down to whole seconds. Events shorter than a second may vanish and touching ones fuse, so its
numbers differ from those of timescoring on the same files. Rates are then averaged over patients.

References
----------
.. [1] szcore-evaluation 0.0.7, ``evaluate.evaluate_dataset``; epilepsy2bids 0.0.7,
   ``annotations.Annotations.getMask``.
"""

from neurorun.core import Timeline
from neurorun.evaluation.classes import EventClasses
from neurorun.evaluation.counts import DetectionCounts
from neurorun.evaluation.method import ScoringMethod, register
from neurorun.evaluation.szcore_event import RATE_HZ, Bounds, count_tolerant
from neurorun.evaluation.szcore_sample import count_seconds
from neurorun.evaluation.tiling import ScoringPair


def count_floored_events(pair: ScoringPair) -> DetectionCounts:
    """Count seizures found and false alarms, all times cut down to whole seconds first."""
    return count_tolerant(
        whole_seconds(pair.reference, pair.classes, n_seconds=int(pair.duration_s)),
        whole_seconds(pair.detected, pair.classes, n_seconds=int(pair.duration_s)),
        n_samples=int(pair.duration_s) * RATE_HZ,
    )


def count_floored_samples(pair: ScoringPair) -> DetectionCounts:
    """Count seconds of seizure found and of false alarm, all times cut down first."""
    return count_seconds(
        whole_seconds(pair.reference, pair.classes, n_seconds=int(pair.duration_s)),
        whole_seconds(pair.detected, pair.classes, n_seconds=int(pair.duration_s)),
        n_samples=int(pair.duration_s),
    )


def whole_seconds(timeline: Timeline, classes: EventClasses, *, n_seconds: int) -> Bounds:
    """Seconds that the original marks as seizure, as events that neither share time nor touch.

    It adds onset and duration before it cuts, so the sum of two decimals may fall just short of a
    whole second; the duration is restored here to have the same sum.
    """
    marked: Bounds = []
    for event in timeline.events:
        if classes.of(event.label) == classes.background:
            continue
        duration_s = round(event.offset_s - event.onset_s, 9)
        first, stop = int(event.onset_s), min(int(event.onset_s + duration_s), n_seconds)
        if stop <= first:
            continue
        if marked and first <= marked[-1][1]:
            marked[-1] = (marked[-1][0], max(marked[-1][1], stop))
        else:
            marked.append((first, stop))
    return marked


SZCORE_EVENT_FLOORED = register(
    ScoringMethod(
        name="szcore-event-1hz",
        version="szcore-evaluation 0.0.7",
        definition="szcore-event on times cut down to whole seconds, as the SzCORE leaderboard.",
        unit="events",
        count=count_floored_events,
        mean_over_patients=True,
    )
)

SZCORE_SAMPLE_FLOORED = register(
    ScoringMethod(
        name="szcore-sample-1hz",
        version="szcore-evaluation 0.0.7",
        definition="szcore-sample on times cut down to whole seconds, as the SzCORE leaderboard.",
        unit="samples of 1 s",
        count=count_floored_samples,
        mean_over_patients=True,
    )
)

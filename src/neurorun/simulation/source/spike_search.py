"""Find lone spikes in simulated potentials, and cut the second around each.

The rules are those of DeepSIF's ``process_raw_nmm.m``: a spike is a local maximum of at least 8 mV,
at least 0.2 s after the last spike of any region. A clip is the whole second that holds a spike of
its region; no other region may spike in it, nor 0.4 s before or after.
"""

import numpy as np
from jaxtyping import Float32, Float64, Int64

from neurorun.simulation.source.amplitude import amplitudes
from neurorun.simulation.source.clip_file import N_SAMPLES

SPIKE_MV = 8.0
CLIP_RATIO_DB = 15.0
_REFRACTORY, _MARGIN = 100, 200
_BEFORE, _AFTER = 249, 250
_NEAR_MV, _STEP_MV = 0.1, 0.05


def find_spikes(
    potential: Float32[np.ndarray, "regions samples"],
) -> tuple[Int64[np.ndarray, " spikes"], Int64[np.ndarray, " spikes"]]:
    """Samples and regions of spikes, in order of time; those too soon after another are left out.

    Parameters
    ----------
    potential : mV at 500 Hz
    """
    inner = potential[:, 1:-1]
    is_peak = (inner >= SPIKE_MV) & (inner > potential[:, :-2]) & (inner > potential[:, 2:])
    when, where = np.nonzero(is_peak.T)
    when = when + 1
    n_samples = potential.shape[1]
    since_last = np.diff(when, prepend=-_REFRACTORY - 1)
    kept = (since_last > _REFRACTORY) & (when >= _BEFORE) & (when + _AFTER < n_samples)
    return when[kept].astype(np.int64), where[kept].astype(np.int64)


def cut_clips(
    potential: Float32[np.ndarray, "regions samples"], region: int
) -> tuple[Float32[np.ndarray, "regions second"], ...]:
    """Cut every whole second in which one region spikes and no other does.

    Parameters
    ----------
    potential : mV at 500 Hz
    region : whose spikes are wanted
    """
    when, where = find_spikes(potential)
    others = when[where != region]
    clips = []
    for first in np.unique(when[where == region] // N_SAMPLES) * N_SAMPLES:
        if first + N_SAMPLES > potential.shape[1]:
            continue
        near = (others >= first - _MARGIN) & (others < first + N_SAMPLES + _MARGIN)
        if not near.any():
            clips.append(potential[:, first : first + N_SAMPLES].copy())
    return tuple(clips)


def raise_spike(
    clip: Float32[np.ndarray, "regions samples"],
    region: int,
    leadfield: Float64[np.ndarray, "channels regions"],
    *,
    ratio_db: float = CLIP_RATIO_DB,
) -> Float32[np.ndarray, "regions samples"]:
    """Scale the spike of a clip so that it stands out at the channels by a stated ratio.

    From where the trace of the region last lies near its mean before the peak, to where it does so
    first after the trough that follows, its distance from the mean is multiplied. Unlike in the
    published program each clip has a factor of its own.
    """
    raised = clip.copy()
    trace = clip[region].astype(np.float64)
    middle, peak = float(trace.mean()), int(trace.argmax())
    height_mv = amplitudes(
        clip,
        leadfield @ clip.astype(np.float64),
        leadfield,
        centre=region,
        patch=np.array([region]),
        ratios_db=(ratio_db,),
    )[0]
    factor = height_mv / trace[peak]
    distance = np.abs(trace - middle)
    trough = peak + int(trace[peak : peak + _AFTER].argmin())
    first = _near(distance[: peak + 1][::-1])
    stop = _near(distance[trough:])
    piece = slice(peak - first, trough + stop + 1)
    raised[region, piece] = middle + factor * (trace[piece] - middle)
    return raised


def _near(distance: np.ndarray) -> int:
    """First place at which a trace is near its mean, by the smallest threshold that finds one."""
    threshold = _NEAR_MV
    while not (distance < threshold).any():
        threshold += _STEP_MV
    return int((distance < threshold).argmax())

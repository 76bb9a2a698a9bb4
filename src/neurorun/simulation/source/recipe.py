"""How a row of a source plan becomes an example, in double precision and in one place.

The deterministic part follows the published loader ``SpikeEEGBuild``: every patch takes the
waveform of its centre, scaled and weighted; clips of several sources add up, background included;
the target is what lies in the patches, divided by its maximum. That loader has clips in single
precision: it divides a waveform by its maximum in it, and rounds what it plants to it. These two
steps, of up to 1.4e-7 of the largest value, are repeated here, so that both differ only in how
results are stored. The fast path (`ExampleMaker`) is tested against this one.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from neurorun.simulation.source.plan import SourcePlan


def region_activity(
    plan: SourcePlan,
    row: int,
    clips: Sequence[np.ndarray | None],
    options: Sequence[int],
) -> tuple[Float64[np.ndarray, "regions samples"], Int64[np.ndarray, " patch"]]:
    """Activity of all regions in mV, and the regions that belong to a patch.

    Parameters
    ----------
    plan, row : which example
    clips : clip of each source as it is stored, regions by samples; None contributes nothing
    options : which of its amplitudes each source takes
    """
    shape = next(clip.shape for clip in clips if clip is not None)
    activity = np.zeros(shape)
    patches = []
    for source, clip in enumerate(clips):
        if clip is None:
            continue
        patch = plan.patch(row, source)
        weights = plan.weights[row, source][plan.regions[row, source] >= 0]
        waveform = clip[plan.centres[row, source]]
        waveform = (waveform / waveform.max()) * plan.scales[row, source, options[source]]
        alone = clip.astype(np.float64)
        alone[patch] = np.outer(weights, waveform).astype(np.float32)
        activity += alone
        patches.append(patch)
    return activity, np.unique(np.concatenate(patches))


def target_of(
    activity: Float64[np.ndarray, "regions samples"],
    patch: Int64[np.ndarray, " patch"],
    *,
    normalize: bool = True,
) -> Float64[np.ndarray, "regions samples"]:
    """What lies in the patches, divided by its maximum; troughs may lie below -1."""
    target = np.zeros_like(activity)
    target[patch] = activity[patch]
    highest = target.max()
    return target / highest if normalize and highest > 0 else target


def finished_eeg(
    eeg: Float64[np.ndarray, "channels samples"], *, normalize: bool = True
) -> Float64[np.ndarray, "channels samples"]:
    """Remove the mean over time, then the mean over channels, and divide by the largest magnitude.

    ``normalize=False`` removes both means all the same. Silence stays silent.
    """
    centred = eeg - eeg.mean(axis=1, keepdims=True)
    centred -= centred.mean(axis=0)
    largest = np.abs(centred).max()
    return np.asarray(centred / largest if normalize and largest > 0 else centred, np.float64)

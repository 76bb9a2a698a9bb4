"""Linear inverses: region activity from EEG and a leadfield alone, without any training.

They are what a trained model is compared with.
"""

from neurorun.evaluation.inverse.covariance import noise_covariance
from neurorun.evaluation.inverse.linear import (
    INVERSE_METHODS,
    InverseName,
    LinearInverse,
    linear_inverse,
)

__all__ = ["INVERSE_METHODS", "InverseName", "LinearInverse", "linear_inverse", "noise_covariance"]

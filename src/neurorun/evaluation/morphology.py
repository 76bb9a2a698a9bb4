"""Opening and closing of a mask, in their exact form for spans.

Opening by ``k`` samples takes away detected spans shorter than ``k``; closing by ``k`` fills
pauses shorter than ``k``. Nothing is known beyond the ends of a stretch, so a span that touches
one needs to be half as long, ``k // 2 + 1``, and one that fills the stretch always stays.

References
----------
.. [1] J. Serra, "Image Analysis and Mathematical Morphology", 1982, chapter II; flat structuring
   element of odd length, padded so that no decision is made by what lies outside.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from neurorun.core import Config, ConfigError
from neurorun.evaluation.spans import LengthRule


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ConfigError(
            f"A kernel of {value} samples has no middle; an odd number is needed. "
            f"Choose {value - 1} or {value + 1}."
        )
    return value


OddLength = Annotated[int, Field(ge=1), AfterValidator(_odd)]


class MorphologyConfig(Config):
    """How short a detection, and a pause, must be to vanish; samples of the prediction.

    ``kernel_size: 5`` is another spelling of ``opening_kernel: 5`` and ``closing_kernel: 5``.
    """

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema["properties"].update(
            kernel_size={
                "type": "integer",
                "minimum": 1,
                "description": "Sets opening_kernel and closing_kernel; odd.",
            }
        )
    )

    opening_kernel: OddLength = 5
    """Detections shorter than this are taken away; 1 keeps all."""
    closing_kernel: OddLength = 5
    """Pauses shorter than this are filled; 1 keeps all."""

    @model_validator(mode="before")
    @classmethod
    def _one_kernel_sets_both(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "kernel_size" not in data:
            return data
        others = {key: value for key, value in data.items() if key != "kernel_size"}
        both = [key for key in ("opening_kernel", "closing_kernel") if key in others]
        if both:
            raise ConfigError(
                f"kernel_size = {data['kernel_size']} is given beside {' and '.join(both)}; it "
                "sets both kernels. Give either kernel_size, or opening_kernel and closing_kernel."
            )
        size = data["kernel_size"]
        return others | {"opening_kernel": size, "closing_kernel": size}


def opening_rule(kernel: int) -> LengthRule:
    """Say which detected spans opening by ``kernel`` samples (odd) leaves."""
    return LengthRule(detected=True, inner=kernel, border=kernel // 2 + 1, whole=1)


def closing_rule(kernel: int) -> LengthRule:
    """Say which pauses closing by ``kernel`` samples (odd) leaves."""
    return LengthRule(detected=False, inner=kernel, border=kernel // 2 + 1, whole=1)

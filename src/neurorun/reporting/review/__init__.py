"""Review pages: one recording in one file that a reader scrolls through, without Python."""

from neurorun.reporting.review.index import review_links, write_review_index
from neurorun.reporting.review.material import Material, Signal
from neurorun.reporting.review.page import (
    LARGEST_BYTES,
    render_review,
    review_page_name,
    write_review,
)

__all__ = [
    "LARGEST_BYTES",
    "Material",
    "Signal",
    "render_review",
    "review_links",
    "review_page_name",
    "write_review",
    "write_review_index",
]

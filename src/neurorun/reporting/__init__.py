"""Run folders to tables, figures and pages; no metric is computed here."""

from neurorun.reporting.card import render_card, write_card
from neurorun.reporting.comparison import (
    Comparison,
    comparison_tables,
    render_comparison,
    summary_sentences,
    write_comparison,
)
from neurorun.reporting.exports import Table, write_run_tables, write_tables
from neurorun.reporting.gaze_pictures import review_pictures
from neurorun.reporting.page import render_report, write_pages, write_report
from neurorun.reporting.review import (
    render_review,
    review_page_name,
    write_review,
    write_review_index,
)
from neurorun.reporting.run_figures import draw_figures
from neurorun.reporting.words import number_in_words, unit_in_words

__all__ = [
    "Comparison",
    "Table",
    "comparison_tables",
    "draw_figures",
    "number_in_words",
    "render_card",
    "render_comparison",
    "render_report",
    "render_review",
    "review_page_name",
    "review_pictures",
    "summary_sentences",
    "unit_in_words",
    "write_card",
    "write_comparison",
    "write_pages",
    "write_report",
    "write_review",
    "write_review_index",
    "write_run_tables",
    "write_tables",
]

"""Run folders to tables, figures and pages; no metric is computed here."""

from neurorun.reporting.page import render_report, write_report
from neurorun.reporting.pictures import draw_figures
from neurorun.reporting.words import number_in_words, unit_in_words

__all__ = [
    "draw_figures",
    "number_in_words",
    "render_report",
    "unit_in_words",
    "write_report",
]

"""Tables of runs as files for papers and spreadsheets: Markdown, LaTeX and CSV."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurorun.core import write_text
from neurorun.reporting.facts import Facts, read_facts
from neurorun.reporting.words import number_in_words
from neurorun.runs import Cell, flat, open_run


@dataclass(frozen=True)
class Table:
    """A table with what each of its forms needs.

    Parameters
    ----------
    name : of its files, without suffix
    caption : one sentence
    columns : headings
    rows : text, numbers, booleans, or None where there is nothing; NaN is undefined
    plain : the same facts, one number per cell, for CSV; None if the rows are so already
    """

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    plain: "Table | None" = None

    @property
    def numbers(self) -> tuple[bool, ...]:
        """Which columns hold numbers, or numbers with their interval, and nothing else."""
        return tuple(
            any(row[place] is not None for row in self.rows)
            and all(_reads_as_number(row[place]) for row in self.rows)
            for place in range(len(self.columns))
        )

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """The cells for reading."""
        return tuple(tuple(cell_in_words(cell) for cell in row) for row in self.rows)


def table_of(name: str, caption: str, rows: Sequence[Mapping[str, Cell]]) -> Table:
    """Make a table of rows with equal keys; without rows it has no columns."""
    columns = tuple(rows[0]) if rows else ()
    return Table(name, caption, columns, tuple(tuple(row[c] for c in columns) for row in rows))


def cell_in_words(cell: Cell) -> str:
    """A value for reading.

    >>> [cell_in_words(cell) for cell in (None, True, 1200, 0.98765, float("nan"), "A")]
    ['', 'yes', '1,200', '0.988', 'undefined', 'A']
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return number_in_words(cell) if isinstance(cell, float) else cell


_NUMBER = re.compile(r"[-+]?[\d.,]+(e[-+]?\d+)?( \[.*\])?|undefined|")


def _reads_as_number(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return False
    return not isinstance(cell, str) or _NUMBER.fullmatch(cell) is not None


def to_markdown(table: Table) -> str:
    """A table for GitHub and its kin; nothing in a cell can become markup."""
    lines = [
        _line(map(markdown_text, table.columns)),
        _line("--:" if number else ":--" for number in table.numbers),
        *(_line(map(markdown_text, row)) for row in table.texts),
    ]
    return f"{markdown_text(table.caption)}\n\n" + "\n".join(lines) + "\n"


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def markdown_text(text: str) -> str:
    r"""Escape what Markdown or HTML would take for markup.

    >>> print(markdown_text("<b>|x|*"))
    &lt;b&gt;\|x\|\*
    """
    one_line = " ".join(text.split())
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        one_line = one_line.replace(sign, entity)
    return re.sub(r"([\\`*|\[\]])", r"\\\1", one_line)


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
}  # fmt: skip


def _latex(text: str) -> str:
    r"""Escape what LaTeX would take for a command.

    >>> print(_latex("50 % of a_b"))
    50 \% of a\_b
    """
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))


def to_latex(table: Table) -> str:
    """A ``table`` environment; it needs ``booktabs``."""
    alignment = "".join("r" if number else "l" for number in table.numbers)
    rows = [" & ".join(_latex(cell) for cell in row) + r" \\" for row in table.texts]
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            rf"\caption{{{_latex(table.caption)}}}",
            rf"\label{{tab:{re.sub('[^A-Za-z0-9-]', '-', table.name)}}}",
            rf"\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            " & ".join(_latex(column) for column in table.columns) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def to_csv(table: Table) -> str:
    """Numbers with all their digits, one per cell; what is undefined is empty."""
    plain = table.plain or table
    lines = (plain.columns, *plain.rows)
    return "".join(",".join(_csv_cell(cell) for cell in line) + "\n" for line in lines)


def _csv_cell(cell: Cell) -> str:
    """Quote where needed, also a bare carriage return, which ends a row."""
    undefined = isinstance(cell, float) and not math.isfinite(cell)
    text = "" if cell is None or undefined else str(cell)
    return '"{}"'.format(text.replace('"', '""')) if set(text) & set(',"\r\n') else text


def write_tables(tables: Sequence[Table], folder: Path) -> tuple[Path, ...]:
    """Write each table as ``.md``, ``.tex`` and ``.csv``, and return what was written.

    Raises
    ------
    DataError : the folder cannot be written
    """
    forms = {".md": to_markdown, ".tex": to_latex, ".csv": to_csv}
    written = []
    for table in tables:
        for suffix, form in forms.items():
            path = folder / f"{file_name(table.name)}{suffix}"
            write_text(path, form(table))
            written.append(path)
    return tuple(written)


def file_name(name: str) -> str:
    """A name that no file system refuses.

    >>> file_name("by SNR / noise")
    'by-SNR-noise'
    """
    return re.sub(r"[^\w.]+", "-", name).strip("-.") or "table"


def write_run_tables(run: Path, folder: Path) -> tuple[Path, ...]:
    """Write the tables of one run: scores, operating points, what its task keeps, settings.

    Raises
    ------
    RunError : not a run
    DataError : the folder cannot be written
    """
    return write_tables(run_tables(read_facts(open_run(run))), folder)


def run_tables(facts: Facts) -> list[Table]:
    """Tables of one run that have any row."""
    kept = [
        table_of(name if split == "validation" else f"{name}_{split}", one.caption, one.rows)
        for split, some in facts.kept.items()
        for name, one in some.tables.items()
    ]
    found = [_scores(facts), _points(facts), *kept, _settings(facts)]
    return [table for table in found if table.rows]


def _scores(facts: Facts) -> Table:
    splits = {"validation": {m.name: value for m, value in facts.validation.items()}}
    splits |= {name: dict(scores.metrics) for name, scores in facts.scores.items()}
    rows: list[dict[str, Cell]] = [
        {
            "metric": metric.name,
            **{split: found.get(metric.name) for split, found in splits.items()},
            "unit": metric.unit,
            "better": metric.better,
            "definition": metric.definition,
        }
        for metric in facts.record.metrics
        if any(metric.name in found for found in splits.values())
    ]
    best = f", best epoch {facts.best.epoch} by {facts.record.monitor}" if facts.best else ""
    return table_of("scores", f"Scores of run {facts.record.name}{best}.", rows)


def _points(facts: Facts) -> Table:
    rows: list[dict[str, Cell]] = [
        {
            "allowed_per_24h": point.fa_rate,
            "reached": point.reached,
            "tau_on": point.tau_on,
            "tau_off": point.tau_off,
            "sensitivity": point.sensitivity,
            "false_alarms_per_24h": point.false_alarms_per_day,
            "chosen_on": point.chosen_on,
            "method": point.method,
        }
        for point in facts.points
    ]
    return table_of("operating_points", "Thresholds by allowed rate of false alarms.", rows)


def _settings(facts: Facts) -> Table:
    rows: list[dict[str, Cell]] = [
        {"setting": key, "value": str(value)} for key, value in flat(facts.config).items()
    ]
    return table_of("settings", f"Settings of run {facts.record.name}.", rows)

"""What the task measured on one split, and how a run folder keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from neurorun.core import SILENT, Progress, to_json
from neurorun.data import CLASSES, GazeExamples
from neurorun.evaluation import (
    Classified,
    GazeAgreement,
    GazeComparison,
    classification_metrics,
    confusion_counts,
    measure_agreement,
    patient_intervals,
)
from neurorun.runs import Cell, ConfusionMatrix, RunWriter, utc_now
from neurorun.tasks.abnormality.attention import attend, collect_maps
from neurorun.tasks.abnormality.dictionary import dictionary_rows
from neurorun.tasks.abnormality.explanation import explain
from neurorun.tasks.abnormality.moments import hottest_moments, reviews
from neurorun.tasks.abnormality.predicting import (
    Predictions,
    TotalLoss,
    chosen_windows,
    comparisons,
    mean_gaze,
    predict,
)
from neurorun.tasks.abnormality.sections import AbnormalitySections

INTERVAL_SEED = 0
"""Intervals are drawn alike for every model, so that two runs may be compared."""

METHODS: Mapping[str, str] = {
    "classification": "neurorun classification 1.0, threshold 0.5",
    "gaze": "Bylinskii et al. 2019, grid of evaluation.bin_s",
}
_LABELS = (0, 1)


@dataclass(frozen=True)
class Scorer:
    """Turns predictions into the figures of an epoch."""

    sections: AbnormalitySections
    loss: TotalLoss

    def figures(self, found: Predictions) -> dict[str, float]:
        """Losses, declared metrics, and the counts behind them, named as columns of epochs."""
        measured = {**found.losses(self.loss), **_decisions(found), **self._gaze(found)}
        return {f"val_{name}": float(value) for name, value in measured.items()}

    def _gaze(self, found: Predictions) -> dict[str, float]:
        agreement = measure_agreement(comparisons(found, self.sections))
        has_gaze = found.examples.has_gaze
        size = self.sections.data.batch_size
        n_batches = sum(has_gaze[i : i + size].any() for i in range(0, len(has_gaze), size))
        return {
            **{f"gaze_{name}": agreement.mean("model", name) for name in ("cc", "nss", "auc")},
            "gaze_batches": n_batches,
            "gaze_samples": has_gaze.sum(),
        }


def _decisions(found: Predictions) -> dict[str, float]:
    items = found.items
    by_recording = items.by_recording(found.recordings)
    windows, recordings = classification_metrics(items), classification_metrics(by_recording)
    (tn, fp), (fn, tp) = confusion_counts(items)
    return {
        "acc": 100 * windows["accuracy"],
        "balanced_acc": windows["balanced_accuracy"],
        "f1": windows["macro_f1"],
        **{name: value for name, value in windows.items() if name not in _RENAMED},
        "recording_acc": 100 * recordings["accuracy"],
        "recording_balanced_acc": recordings["balanced_accuracy"],
        "recording_auroc": recordings["auroc"],
        "tn": tn,
        "fp": fp,
        "fn": fn,
        "tp": tp,
    }


_RENAMED = ("accuracy", "balanced_accuracy")


@dataclass(frozen=True)
class AbnormalityResults:
    """Scores of a model on one split, with the material that they rest on.

    Parameters
    ----------
    split : the split
    metrics : by declared name; NaN where undefined
    methods : what they were measured with
    rows : one per recording, as ``predictions_eval.csv`` lists them
    windows : one per window
    items, recordings : decisions at both levels
    agreement, compared : attention beside gaze
    intervals : one row per measure and level
    found, model, loss, training : for what is kept beside the scores
    """

    split: str
    metrics: Mapping[str, float]
    methods: Mapping[str, str]
    rows: Sequence[Mapping[str, Cell]]
    windows: Sequence[Mapping[str, Cell]]
    items: Classified
    recordings: Classified
    agreement: GazeAgreement
    compared: tuple[GazeComparison, ...]
    intervals: Sequence[Mapping[str, Cell]]
    found: Predictions = field(repr=False)
    model: nn.Module = field(repr=False)
    loss: TotalLoss = field(repr=False)

    def keep(self, record: RunWriter, *, epoch: int) -> None:
        """Write what the best checkpoint gives on the split into its run.

        Parameters
        ----------
        epoch : of the best checkpoint
        """
        sections, kept = self.loss.sections, record.of(self.split)
        record.write_predictions(self.rows, split=self.split)
        record.write_confusion_matrices(
            [
                _confusion(f"{self.split}, recordings", self.recordings, epoch),
                _confusion(f"{self.split}, windows", self.items, epoch),
            ]
        )
        for name, rows in self._tables():
            kept.write_table(name, rows, caption=_CAPTIONS[name])
        if self.split == "validation":
            _keep_epochs(record)
        for review in reviews(self.found, self._reviewed_maps(), sections):
            kept.write_gaze_review(review)
        if sections.evaluation.export_attention:
            collect_maps(self.model, self.found.examples, sections, record, split=self.split)

    def _reviewed_maps(self) -> dict[int, Any]:
        """Maps of the windows that are shown: those with gaze first, both classes in turns."""
        chosen = chosen_windows(self.found, self.loss.sections.evaluation.n_reviewed)
        return {
            index: attend(self.model, self.found.examples, [index])["attention_map"][0]
            for index in chosen
        }

    def _tables(self) -> list[tuple[str, Sequence[Mapping[str, Cell]]]]:
        sections = self.loss.sections
        tables: list[tuple[str, Sequence[Mapping[str, Cell]]]] = [
            ("windows", self.windows),
            ("intervals", self.intervals),
            ("gaze_agreement", self.agreement.rows()),
            ("gaze_agreement_by_window", self._agreement_rows()),
            ("hottest_moments", hottest_moments(self.found, sections)),
            ("explanation", explain(self.model, self.found, sections)),
        ]
        return [(name, rows) for name, rows in tables if rows]

    def _agreement_rows(self) -> list[dict[str, Cell]]:
        outcome = {row["window"]: row["outcome"] for row in self.windows}
        return [
            {"window": window, "outcome": outcome[window], "source": source, **measures}
            for window, by_source in self.agreement.by_window.items()
            for source, measures in by_source.items()
        ]


_CAPTIONS = {
    "windows": "Every window of the split with its class, its probability and its outcome.",
    "intervals": "Measures of both levels with 95 % intervals over drawn patients.",
    "gaze_agreement": (
        "Attention against the reader's gaze, mean over windows; beside it what it has to beat "
        "(gaze of other recordings, their mean, the envelope of the signal) and what it can reach "
        "(one half of the fixations against the other)."
    ),
    "gaze_agreement_by_window": "The same for every window, with the outcome of its decision.",
    "hottest_moments": "Where attention is highest, and whether the reader looked there.",
    "confusion_by_epoch": "Windows by true and predicted class after every epoch.",
    "data_dictionary": "What every column of the tables, and every key of the maps, means.",
    "explanation": (
        "What the decision rests on: the map after weights were randomised, and areas under the "
        "curves of deletion (small is good) and insertion (large is good) beside a random order."
    ),
}


def results_of(
    model: nn.Module,
    examples: GazeExamples,
    loss: TotalLoss,
    *,
    split: str,
    training: GazeExamples | None = None,
    progress: Progress = SILENT,
) -> AbnormalityResults:
    """Score a model, in evaluation mode, on some windows.

    Parameters
    ----------
    loss : with the class weights of training
    training : whose mean gaze map is the baseline; None takes that of the other windows
    """
    sections = loss.sections
    found = predict(model, examples, loss, progress=progress, title=f"Scoring {split}")
    items = found.items
    recordings = items.by_recording(found.recordings)
    compared = comparisons(found, sections)
    baseline = None if training is None else mean_gaze(training, sections)
    agreement = measure_agreement(compared, mean_gaze=baseline)
    return AbnormalityResults(
        split=split,
        metrics=Scorer(sections, loss).figures(found),
        methods=METHODS,
        rows=_recording_rows(recordings, found, agreement, split),
        windows=_window_rows(items, found),
        items=items,
        recordings=recordings,
        agreement=agreement,
        compared=compared,
        intervals=_intervals(items, recordings, sections),
        found=found,
        model=model,
        loss=loss,
    )


def _recording_rows(
    recordings: Classified, found: Predictions, agreement: GazeAgreement, split: str
) -> list[dict[str, Cell]]:
    names, now = list(found.recordings), utc_now()
    rows = [example.row for example in found.examples]
    table: list[dict[str, Cell]] = []
    for place, name in enumerate(recordings.names):
        p = float(recordings.probabilities[place])
        label, guess = int(recordings.labels[place]), int(recordings.predicted[place])
        windows = [row.window_id for row in rows if row.recording_id == name]
        table.append(
            {
                "file": f"{name}.npz",
                "true_label": label,
                "predicted_label": guess,
                "probability": to_json([1 - p, p]),
                "dataset": split,
                "correct": label == guess,
                "timestamp": now,
                "prob_normal": 1 - p,
                "prob_abnormal": p,
                "patient": recordings.patients[place],
                "n_windows": names.count(name),
                "n_windows_with_gaze": sum(one in agreement.by_window for one in windows),
                **{f"gaze_{m}": _mean_of(agreement, windows, m) for m in ("cc", "nss")},
            }
        )
    return table


def _mean_of(agreement: GazeAgreement, windows: Sequence[str], measure: str) -> float:
    values = [
        agreement.by_window[one]["model"][measure] for one in windows if one in agreement.by_window
    ]
    return float(np.mean(values)) if values else float("nan")


_OUTCOMES = {(0, 0): "true normal", (0, 1): "false alarm", (1, 0): "missed", (1, 1): "found"}


def _window_rows(items: Classified, found: Predictions) -> list[dict[str, Cell]]:
    table: list[dict[str, Cell]] = []
    for place, example in enumerate(found.examples):
        row, label, guess = example.row, int(items.labels[place]), int(items.predicted[place])
        table.append(
            {
                "window": row.window_id,
                "recording": row.recording_id,
                "patient": row.patient,
                "onset_s": row.onset_s,
                "n_valid": row.n_valid,
                "true_label": label,
                "predicted_label": guess,
                "prob_abnormal": float(items.probabilities[place]),
                "outcome": _OUTCOMES[label, guess],
                "n_fixations": len(example.fixations),
                "n_unplaced": int(found.examples.n_unplaced[place]),
                "has_gaze": bool(found.examples.has_gaze[place]),
                "flat_channels": " ".join(row.flat),
                "missing_channels": " ".join(row.missing),
            }
        )
    return table


def _intervals(
    items: Classified, recordings: Classified, sections: AbnormalitySections
) -> list[dict[str, Cell]]:
    rng = np.random.default_rng(INTERVAL_SEED)
    table: list[dict[str, Cell]] = []
    for level, some in (("recording", recordings), ("window", items)):
        measured = classification_metrics(some)
        drawn = patient_intervals(some, rng=rng, n_resamples=sections.evaluation.n_resamples)
        table += [
            {
                "level": level,
                "measure": name,
                "value": value,
                "low": drawn[name].low,
                "high": drawn[name].high,
                "n_items": len(some),
                "n_patients": len(set(some.patients)),
            }
            for name, value in measured.items()
        ]
    return table


def _confusion(dataset: str, items: Classified, epoch: int) -> ConfusionMatrix:
    return ConfusionMatrix(
        dataset, _LABELS, confusion_counts(items), utc_now(), epoch, names=CLASSES
    )


def _keep_epochs(record: RunWriter) -> None:
    """Write what training alone tells: decisions after every epoch, and what columns mean."""
    cells = ("tn", "fp", "fn", "tp")
    rows = [
        {"epoch": row.epoch, **{cell: int(row.values[f"val_{cell}"]) for cell in cells}}
        for row in record.rows
        if all(np.isfinite(row.values.get(f"val_{cell}", np.nan)) for cell in cells)
    ]
    if rows:
        record.write_table("confusion_by_epoch", rows, caption=_CAPTIONS["confusion_by_epoch"])
    meanings = list(dictionary_rows())
    record.write_table("data_dictionary", meanings, caption=_CAPTIONS["data_dictionary"])

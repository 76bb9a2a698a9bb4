"""The data dictionary of a run: what every column of its tables, and every key of its maps, means.

Several columns keep the names of the first experiments, which hide something: ``eval_recall``
is weighted by class, hence the accuracy, and ``eval_acc`` is in percent.
"""

from collections.abc import Iterator, Mapping

from neurorun.runs import Cell
from neurorun.tasks.abnormality.sections import METRICS

Columns = Mapping[str, tuple[str, str]]
"""Unit and meaning by column; the unit is empty for text and names, 1 for plain numbers."""

_DECIDED: Columns = {
    "true_label": ("", "0 normal, 1 abnormal, by folder or Labels.csv"),
    "predicted_label": ("", "1 where the probability of abnormal is at least 0.5, else 0"),
    "prob_abnormal": ("1", "probability of abnormal"),
}

_EPOCHS: Columns = {
    "epoch": ("", "number of the epoch, the first is 1; as in best_model.pth and everywhere else"),
    **{f"eval_{m.name.removeprefix('val_')}": (m.unit, m.definition) for m in METRICS},
    "train_loss": ("1", "cls_loss plus gaze.gaze_weight times gaze_loss, mean over the epoch"),
    "train_cls_loss": ("1", "cross-entropy, weighted by class if data.class_balance says so"),
    "train_gaze_loss": ("1", "gaze loss before its weight, mean over windows with gaze"),
    "train_gaze_loss_weighted": ("1", "the same times gaze.gaze_weight"),
    "train_acc": ("%", "accuracy in percent while training, with dropout"),
    "train_gaze_samples": ("1", "windows with gaze that were trained on in the epoch"),
    "train_gaze_batches": ("1", "batches with at least one of them"),
    "eval_gaze_loss_weighted": ("1", "eval_gaze_loss times gaze.gaze_weight"),
    "eval_f1": ("1", "eval_macro_f1, by its name in the checkpoint"),
    "eval_tn": ("1", "normal windows called normal"),
    "eval_fp": ("1", "normal windows called abnormal"),
    "eval_fn": ("1", "abnormal windows called normal"),
    "eval_tp": ("1", "abnormal windows called abnormal"),
    "eval_gaze_batches": ("1", "batches with at least one window with gaze"),
    "eval_gaze_samples": ("1", "windows with gaze"),
    "lr": ("1", "learning rate of the last step of the epoch"),
    "gradient_norm": ("1", "norm of the gradient before clipping, mean over steps"),
    "data_wait_share": ("1", "share of the training time in which data were waited for"),
    "skipped_steps": ("1", "steps left out because a gradient was not finite"),
    "seconds": ("s", "training and validation of the epoch"),
    "elapsed_s": ("s", "training so far, over all resumptions"),
    "timestamp": ("", "when the row was written, UTC"),
}

_PREDICTIONS: Columns = {
    "file": ("", "recording, with .npz as in the first experiments"),
    **_DECIDED,
    "probability": ("1", "list of the probabilities of normal and abnormal, as JSON"),
    "dataset": ("", "split"),
    "correct": ("", "whether both labels agree"),
    "timestamp": ("", "when it was scored, UTC"),
    "prob_normal": ("1", "probability of normal"),
    "prob_abnormal": ("1", "probability of abnormal, mean over the windows of the recording"),
    "patient": ("", "person"),
    "n_windows": ("1", "windows of the recording"),
    "n_windows_with_gaze": ("1", "those in which a reader looked at channels of the montage"),
    "gaze_cc": ("1", "correlation of attention with gaze, mean over windows with gaze"),
    "gaze_nss": ("1", "standardized attention at fixations, mean over windows with gaze"),
}

_WINDOWS: Columns = {
    "window": ("", "recording, pipeline and number of the window"),
    "recording": ("", "recording"),
    "patient": ("", "person"),
    "onset_s": ("s", "where the window begins in its recording"),
    "n_valid": ("1", "samples that were recorded; what follows is padding"),
    **_DECIDED,
    "outcome": ("", "true normal, false alarm, missed or found"),
    "n_fixations": ("1", "fixations in the window"),
    "n_unplaced": ("1", "those of them on no channel of the montage: between traces, or the ECG"),
    "has_gaze": ("", "whether any fixation is on a channel, so that the gaze map says something"),
    "flat_channels": ("", "channels without EEG"),
    "missing_channels": ("", "channels that the recording lacks, zero"),
}

_MAPS: Columns = {
    "attention_map": ("1", "float32, channels by samples, 0 to 1; 0 in padding"),
    "file_id": ("", "window, verbatim"),
    "shape": ("1", "of attention_map"),
    "sampling_rate": ("Hz", "samples per second of the map"),
    "channel_names": ("", "name of every row"),
    "time_factor": ("1", "the map as an outer product over time; absent if it is none"),
    "channel_factor": ("1", "the same over channels"),
    "raw_min": ("1", "smallest value before values were cut to 0 to 1"),
    "raw_max": ("1", "largest value before"),
    "clipped_fraction": ("1", "share of the values that cutting changed"),
    "montage": ("", "tcp or referential"),
    "method": ("", "native: the model's own attention"),
    "normalization": ("", "clip: cut to 0 to 1, nothing else"),
    "segment_start_s": ("s", "where the map begins in its recording"),
    "n_valid": ("1", "columns that were recorded"),
    **_DECIDED,
    "dataset": ("", "split"),
    "model_sha256": ("", "hash of the weights that made the map"),
}

DICTIONARY: Mapping[str, Columns] = {
    "epoch_statistics.csv": _EPOCHS,
    "predictions_eval.csv": _PREDICTIONS,
    "tables/windows.csv": _WINDOWS,
    "attention_maps/*_attention.npz": _MAPS,
}
"""Columns, or keys, by file."""


def dictionary_rows() -> Iterator[Mapping[str, Cell]]:
    """One row per column of every file."""
    for file, columns in DICTIONARY.items():
        for column, (unit, meaning) in columns.items():
            yield {"file": file, "column": column, "unit": unit, "meaning": meaning}

"""A report as CSV: a line per row, for spreadsheets and scripts. Columns are only ever added, at the end."""

import csv
import io

from edgepress_api.report.document import Report, ReportRow
from edgepress_api.report.promise_words import short
from edgepress_common.promises import KeptPromise

_Cell = str | int | float | None

# A spreadsheet takes a cell that begins like this for a formula; device and board names come from outside.
_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")

_QUALITY = ["pipeline", "method", "export", "device", "threads", "accuracy", "precision", "recall", "f1"]
_LATENCY = ["mean", "std", "min", "p50", "p90", "p99"]
_COST = [
    "total_seconds",
    "images",
    "size_bytes",
    "zip_bytes",
    "keras_bytes",
    "sparsity",
    "unique_weights_max",
    "float_ops",
    "epoch_seconds",
    "peak_memory_bytes",
    "model_sha256",
]
_OTHER_KERAS = ["keras_zip_bytes", "keras_with_optimizer_bytes", "keras_with_optimizer_zip_bytes"]
_RATIOS = ["size", "zip", "size_to_zip"]
_STATE = ["load_ms", "first_inference_ms", "emulated", "throttled"]
_SURROUNDINGS = [
    "board",
    "cpu",
    "machine",
    "cores",
    "kernel",
    "governor",
    "temperature_before_c",
    "temperature_after_c",
    "runtime",
    "delegate",
]
_OTHER_FILES = [
    "encoding",
    "dense_size_bytes",
    "sparse_size_bytes",
    "dense_zip_bytes",
    "sparse_zip_bytes",
    "unique_weights_per_channel_max",
    "promises",
]
_STAGES = ["stages", "stage_epoch_seconds"]
_INTERVAL = ["accuracy_low", "accuracy_high"]

# Header of each column, and where its value is in a row.
COLUMNS: dict[str, str] = (
    {name: name for name in _QUALITY}
    | {f"latency_ms_{name}": f"latency_ms.{name}" for name in _LATENCY}
    | {name: name for name in (*_COST, *_OTHER_KERAS)}
    | {f"{name}_ratio_to_float32_tflite": f"ratios.float32_tflite.{name}" for name in _RATIOS}
    | {"latency_ratio_to_float32_tflite": "ratios.float32_tflite_latency"}
    | {f"{name}_ratio_to_keras_with_optimizer": f"ratios.keras_with_optimizer.{name}" for name in _RATIOS}
    | {name: name for name in _STATE}
    | {name: f"surroundings.{name}" for name in _SURROUNDINGS}
    | {name: name for name in (*_OTHER_FILES, *_STAGES, *_INTERVAL)}
)


def report_csv(report: Report) -> str:
    """The rows, below a line of headers; what is not known is left empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(COLUMNS)
    for row in report.rows:
        writer.writerow([_cell(row, path) for path in COLUMNS.values()])
    return text.getvalue()


def _cell(row: ReportRow, path: str) -> _Cell:
    value: object = row
    for name in path.split("."):
        value = None if value is None else getattr(value, name)
    match value:
        case None | int() | float() if not isinstance(value, bool):
            return value
        case bool():
            return "yes" if value else "no"
        case tuple():
            return _text("; ".join(map(_item, value)) or "no")
        case _:
            return _text(str(value))


def _item(value: object) -> str:
    return short(value) if isinstance(value, KeptPromise) else str(value)


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_BEGINNINGS) else text

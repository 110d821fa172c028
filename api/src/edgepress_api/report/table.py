"""A report as CSV: a line per row, for spreadsheets and scripts. Columns are only ever added, at the end.

Columns of figures are where their declarations place them; see `edgepress_common.figures`.
"""

import csv
import io

from edgepress_api.report.promise_words import short
from edgepress_common.answers.report import Report, ReportRow
from edgepress_common.figures.declared import FIGURES
from edgepress_common.promises import KeptPromise

_Cell = str | int | float | None

# Spreadsheets interpret a cell that begins like this as a formula; device and board names come from outside.
_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")

# Columns that are not figures, by position: header, and where the value is in a row.
_OTHER = {
    0: ("pipeline", "pipeline"),
    1: ("method", "method"),
    2: ("export", "export"),
    3: ("device", "device"),
    4: ("threads", "threads"),
    25: ("model_sha256", "model_sha256"),
    38: ("emulated", "emulated"),
    39: ("throttled", "throttled"),
    40: ("board", "surroundings.board"),
    41: ("cpu", "surroundings.cpu"),
    42: ("machine", "surroundings.machine"),
    43: ("cores", "surroundings.cores"),
    44: ("kernel", "surroundings.kernel"),
    45: ("governor", "surroundings.governor"),
    46: ("temperature_before_c", "surroundings.temperature_before_c"),
    47: ("temperature_after_c", "surroundings.temperature_after_c"),
    48: ("runtime", "surroundings.runtime"),
    49: ("delegate", "surroundings.delegate"),
    50: ("encoding", "encoding"),
    56: ("promises", "promises"),
    57: ("stages", "stages"),
    58: ("stage_epoch_seconds", "stage_epoch_seconds"),
    73: ("spec_pipeline", "spec_pipeline"),
    74: ("seed", "seed"),
}

COLUMNS: dict[str, str] = dict(
    column
    for _, column in sorted(
        [*_OTHER.items(), *((each.csv_position, (each.column, each.name)) for each in FIGURES.values())]
    )
)
"""Header of each column, and where its value is in a row."""


def report_csv(report: Report) -> str:
    """Return the rows below a line of headers; unknown values are empty."""
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

"""Makes the zip: the same bytes each time, as long as the report stays the same."""

import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import IO

from edgepress_api.bundle.card import model_card
from edgepress_api.bundle.model_file import describe_model
from edgepress_api.bundle.preprocessing import LABELS, PREPROCESSING, labels_txt, preprocessing_json
from edgepress_api.report.document import Report, ReportRow
from edgepress_common.errors import NotFoundError

MODEL = "model.tflite"
CARD = "MODEL_CARD.md"
PREDICT = "predict.py"

_IN_MEMORY_BYTES = 8 << 20  # beyond, it is made on disk
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can tell


@dataclass(frozen=True)
class Bundle:
    """What there is to pack.

    Attributes:
        report: Of the job.
        rows: Of the model.
    """

    report: Report
    rows: tuple[ReportRow, ...]

    @property
    def name(self) -> str:
        """Of its folder: what a shell need not quote."""
        row = self.rows[0]
        return re.sub(r"[^A-Za-z0-9._+-]+", "-", f"{row.pipeline}-{row.export}")


def find_bundle(report: Report, model_sha256: str) -> Bundle:
    """What there is to pack of a model.

    Raises:
        NotFoundError: The job has measured no such model.
    """
    rows = tuple(row for row in report.rows if row.model_sha256 == model_sha256)
    if not rows or report.dataset is None:
        raise NotFoundError(
            f"{report.job.id} has measured no model {model_sha256}; accepted: the model_sha256 of a row of its report"
        )
    return Bundle(report, rows)


def pack_bundle(bundle: Bundle, model: Path) -> IO[bytes]:
    """The zip, to be read from its beginning and closed.

    Args:
        bundle: What to pack.
        model: The .tflite file.

    Raises:
        BrokenPromiseError: It is none.
    """
    content = model.read_bytes()
    target: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  whoever reads it closes it
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _texts(bundle, content).items():
            _add(archive, f"{bundle.name}/{name}", text.encode())
        _add(archive, f"{bundle.name}/{MODEL}", content)
    target.seek(0)
    return target


def _texts(bundle: Bundle, model: bytes) -> dict[str, str]:
    assert bundle.report.dataset is not None, "else there would be no bundle"
    return {
        CARD: model_card(bundle.report, bundle.rows),
        LABELS: labels_txt(bundle.report.dataset.classes),
        PREPROCESSING: preprocessing_json({MODEL: describe_model(model)}),
        PREDICT: predict_py(bundle.rows),
    }


def predict_py(rows: Sequence[ReportRow]) -> str:
    """The program, with the number of threads that the model was fastest with on the first device."""
    best = min((row for row in rows if row.device == rows[0].device), key=lambda row: row.latency_ms.p50)
    template = files("edgepress_api.bundle").joinpath("predict.py.txt").read_text(encoding="utf-8")
    return template.replace("{{ threads }}", str(best.threads))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)

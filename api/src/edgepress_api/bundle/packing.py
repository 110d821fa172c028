"""Writes the zip. The same report gives the same bytes."""

import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import IO

from edgepress_api.bundle.card import model_card
from edgepress_api.recommendation.candidates import at_best_threads
from edgepress_common.answers.report import Report, ReportRow
from edgepress_common.bundle_files import DECODER, decoder_py
from edgepress_common.bundle_files.preprocessing import LABELS, PREPROCESSING, labels_txt, preprocessing_json
from edgepress_common.errors import NotFoundError

MODEL = "model.tflite"
CODED = "model.epz"
CARD = "MODEL_CARD.md"
PREDICT = "predict.py"

IN_MEMORY_BYTES = 8 << 20
"""A larger zip is written to disk."""
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can tell


@dataclass(frozen=True)
class Bundle:
    """The contents of a bundle.

    Attributes:
        report: The report of the job.
        rows: The rows of the report with the model.
    """

    report: Report
    rows: tuple[ReportRow, ...]

    @property
    def name(self) -> str:
        """Name of the folder in the zip, in characters that a shell does not have to quote."""
        row = self.rows[0]
        return re.sub(r"[^A-Za-z0-9._+-]+", "-", f"{row.pipeline}-{row.export}")


def find_bundle(report: Report, model_sha256: str) -> Bundle:
    """Return the contents of the bundle of a model.

    Raises:
        NotFoundError: The job has not measured the model.
    """
    rows = tuple(row for row in report.rows if row.model_sha256 == model_sha256)
    if not rows or report.dataset is None:
        raise NotFoundError(
            f"{report.job.id} has not measured the model {model_sha256}; accepted: a model_sha256 of its report"
        )
    return Bundle(report, rows)


def pack_bundle(bundle: Bundle, model: Path, *, is_coded: bool = False) -> IO[bytes]:
    """Return the zip as an open file at its beginning, which the caller closes.

    Args:
        bundle: The contents.
        model: The .tflite file, or its coded file.
        is_coded: Whether it is the coded file. Its decoder is then in the bundle, too.
    """
    target: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  the caller closes it
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (_texts(bundle) | ({DECODER: decoder_py()} if is_coded else {})).items():
            archive.writestr(zip_entry(f"{bundle.name}/{name}"), text)
        archive.writestr(zip_entry(f"{bundle.name}/{CODED if is_coded else MODEL}"), model.read_bytes())
    target.seek(0)
    return target


def _texts(bundle: Bundle) -> dict[str, str]:
    dataset = bundle.report.dataset
    assert dataset is not None, "else there would be no bundle"
    model = bundle.rows[0].tensors
    return {
        CARD: model_card(bundle.report, bundle.rows),
        LABELS: labels_txt(dataset.classes),
        PREPROCESSING: preprocessing_json(
            {MODEL: model},
            image_size=dataset.image_size if model is None else model.image_size,
            grey_bits=dataset.grey_bits,
        ),
        PREDICT: predict_py(bundle.rows, dataset.grey_bits),
    }


def predict_py(rows: Sequence[ReportRow], grey_bits: int | None = None) -> str:
    """Return the program, with the number of threads with which the model was fastest on the first device.

    Args:
        rows: The rows of the report with the model.
        grey_bits: Significant bits of the 16-bit grey images that it was trained on; None if there were none.
    """
    best = at_best_threads([row for row in rows if row.device == rows[0].device])[0]
    template = files("edgepress_api.bundle").joinpath("predict.py.txt").read_text(encoding="utf-8")
    return template.replace("{{ threads }}", str(best.threads)).replace("{{ grey_bits }}", str(grey_bits))


def zip_entry(name: str) -> zipfile.ZipInfo:
    """Return an entry of a zip for a file that everyone may read, always with the same date."""
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry

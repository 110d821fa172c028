"""Final figures: those of the test split, added to a recommendation when everything in it is decided.

`without_test` removes them from the rows that decisions are made by; `with_final_figures` shows them with the files
that were chosen. Nothing between the two can depend on a test image.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from edgepress_common.answers.recommendation import Choice, DeviceRecommendation, FinalAccuracy, Recommendation
from edgepress_common.answers.report import ReportRow
from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.formats import percent

_HIDDEN = dict.fromkeys(
    [name for name, figure in FIGURES.items() if figure.split == "test"] + ["test_confusion", "test_right_images"]
)

_Finals = Mapping[tuple[str, str, str], FinalAccuracy]


def without_test(row: ReportRow) -> ReportRow:
    """Return the row as if the data set had no test split."""
    return row.model_copy(update=_HIDDEN)


def with_final_figures(decided: Recommendation, rows: Sequence[ReportRow]) -> Recommendation:
    """Return a recommendation that shows how its files classify the test split.

    Args:
        decided: The recommendation that was made without the test split.
        rows: The rows of the report, with the figures of the test split where they are measured.
    """
    devices = tuple(_on_device(device, rows) for device in decided.devices)
    return decided.model_copy(update={"devices": devices})


def _on_device(device: DeviceRecommendation, rows: Sequence[ReportRow]) -> DeviceRecommendation:
    finals = {_key(row): final for row in rows if row.device == device.device and (final := _final(row)) is not None}
    if not finals:
        return device
    return device.model_copy(
        update={
            "test_images": next(iter(finals.values())).images,
            "purposes": tuple(each.model_copy(update=_added(each.choice, finals)) for each in device.purposes),
            "candidates": tuple(each.model_copy(update=_added(each, finals)) for each in device.candidates),
        }
    )


def _added(choice: Choice, finals: _Finals) -> dict[str, Any]:
    return {"final": finals.get(_key(choice))}


def _key(file: ReportRow | Choice) -> tuple[str, str, str]:
    return file.pipeline, file.export, file.model_sha256


def _final(row: ReportRow) -> FinalAccuracy | None:
    accuracy, images, low, high = row.test_accuracy, row.test_images, row.test_accuracy_low, row.test_accuracy_high
    if accuracy is None or images is None or low is None or high is None:
        return None
    return FinalAccuracy(
        images=images,
        accuracy=accuracy,
        low=low,
        high=high,
        words=f"{percent(accuracy, 1)} on {images} test images that no decision has seen (95 % interval "
        f"{100 * low:.1f} to {percent(high, 1)})",
    )

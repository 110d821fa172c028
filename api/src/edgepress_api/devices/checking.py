"""Compares the result of an evaluation with what its lease asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import DeviceRow, StepInputRow, StepRow
from edgepress_api.steps.plausible import ReportedEvaluation
from edgepress_common.errors import FieldProblem, InvalidReportError
from edgepress_common.results import PackResult, SplitResult
from edgepress_common.steps import EvaluationStep


def check_against_lease(session: Session, row: StepRow, device: str, result: ReportedEvaluation) -> None:
    """Make sure that a result is of the model, the images, the classes and the threads that the device was given.

    Raises:
        InvalidReportError: It is not; each field that differs is named.
    """
    inputs = session.scalars(select(StepInputRow).where(StepInputRow.step_key == row.key))
    sources = {entry.role: entry.source for entry in inputs}
    pack, model = sources["pack"].result, sources["model"].outputs
    assert isinstance(row.parameters, EvaluationStep)
    assert isinstance(pack, PackResult)
    assert model is not None
    check_measurement(
        result,
        Measured(
            device=device,
            model_sha256=model["tflite"].sha256,
            parameters=row.parameters,
            counts=pack.validation_counts,
            test_counts=pack.test_counts if _measures_test(session, device) else None,
        ),
    )


@dataclass(frozen=True)
class Measured:
    """The measurement that a result must be of.

    Attributes:
        device: Name of the device.
        model_sha256: SHA-256 of the .tflite file.
        parameters: What was asked for.
        counts: Number of validation images of each class.
        test_counts: Number of test images of each class; None if they are not measured.
    """

    device: str
    model_sha256: str
    parameters: EvaluationStep
    counts: tuple[int, ...]
    test_counts: tuple[int, ...] | None


def check_measurement(result: ReportedEvaluation, measured: Measured) -> None:
    """Make sure that a result is of what was measured.

    Raises:
        InvalidReportError: It is not; each field that differs is named.
    """
    problems = [*_problems(result, measured)]
    if problems:
        raise InvalidReportError(problems)


def _problems(result: ReportedEvaluation, measured: Measured) -> Iterator[FieldProblem]:
    parameters, test_counts = measured.parameters, measured.test_counts
    yield from _differs("device", result.device, measured.device, "the device that holds the lease")
    yield from _differs("model_sha256", result.model_sha256, measured.model_sha256, "the model of the lease")
    threads = [measurement.threads for measurement in result.measurements]
    yield from _differs("measurements", threads, list(parameters.threads), "the threads of the lease")
    images = parameters.images
    yield from _split_problems("", result, measured.counts, images)
    yield from _differs("test", result.test is not None, test_counts is not None, "whether the lease has a test split")
    if result.test is not None and test_counts is not None:
        yield from _split_problems("test.", result.test, test_counts, images)
    for place, measurement in enumerate(result.measurements):
        for name in ("total_seconds", "accuracy"):
            is_there = getattr(measurement, name) is not None
            words = "a number, since the lease has full_pass" if parameters.full_pass else "null without full_pass"
            yield from _differs(f"measurements[{place}].{name}", is_there, parameters.full_pass, words)


def _measures_test(session: Session, device: str) -> bool:
    row = session.get(DeviceRow, device)
    return row is not None and row.announcement.measures_test


def _split_problems(
    prefix: str, result: SplitResult, counts: tuple[int, ...], images: int | None
) -> Iterator[FieldProblem]:
    """Yield what differs from the lease in the confusion matrix of a split with these images of each class.

    An evaluator of an earlier release classifies all images where the lease asks for the first ones.
    """
    field = f"{prefix}confusion"
    yield from _differs(field, len(result.confusion), len(counts), "a row for each class of the lease")
    is_part = images is not None and result.images == images < sum(counts)
    if len(result.confusion) == len(counts) and not is_part:
        yield from _differs(field, list(map(sum, result.confusion)), list(counts), "the images of each class, by row")


def _differs(field: str, value: object, expected: object, meaning: str) -> Iterator[FieldProblem]:
    if value != expected:
        shown = str(expected)[:200]
        yield FieldProblem(field=field, value=value, message="differs from the lease", accepted=f"{shown}: {meaning}")

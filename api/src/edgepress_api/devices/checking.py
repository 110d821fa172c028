"""Compares the result of an evaluation with what its lease asked for."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import DeviceRow, StepInputRow, StepRow
from edgepress_api.steps.plausible import ReportedEvaluation
from edgepress_common.errors import FieldProblem, InvalidReportError
from edgepress_common.results import PackResult, SplitResult
from edgepress_common.steps import EvaluationStep


def check_against_lease(
    session: Session, row: StepRow, device: str, result: ReportedEvaluation, *, measures_test: bool | None = None
) -> None:
    """Make sure that a result is of the model, the images, the classes and the threads that the device was given.

    Args:
        session: The database session.
        row: The evaluation.
        device: Name of the device that has run it.
        result: The result.
        measures_test: Whether the device measures the test split; None for what it has announced.

    Raises:
        InvalidReportError: It is not; each field that differs is named.
    """
    if measures_test is None:
        measures_test = _measures_test(session, device)
    problems = [*_problems(session, row, device, result, measures_test=measures_test)]
    if problems:
        raise InvalidReportError(problems)


def _problems(
    session: Session, row: StepRow, device: str, result: ReportedEvaluation, *, measures_test: bool
) -> Iterator[FieldProblem]:
    inputs = session.scalars(select(StepInputRow).where(StepInputRow.step_key == row.key))
    sources = {entry.role: entry.source for entry in inputs}
    pack, model = sources["pack"].result, sources["model"].outputs
    assert isinstance(row.parameters, EvaluationStep)
    assert isinstance(pack, PackResult)
    assert model is not None
    yield from _differs("device", result.device, device, "the device that holds the lease")
    yield from _differs("model_sha256", result.model_sha256, model["tflite"].sha256, "the model of the lease")
    threads = [measurement.threads for measurement in result.measurements]
    yield from _differs("measurements", threads, list(row.parameters.threads), "the threads of the lease")
    images = row.parameters.images
    yield from _split_problems("", result, pack.validation_counts, images)
    test_counts = pack.test_counts if measures_test else None
    yield from _differs("test", result.test is not None, test_counts is not None, "whether the lease has a test split")
    if result.test is not None and test_counts is not None:
        yield from _split_problems("test.", result.test, test_counts, images)
    for place, measurement in enumerate(result.measurements):
        for name in ("total_seconds", "accuracy"):
            is_there = getattr(measurement, name) is not None
            words = "a number, since the lease has full_pass" if row.parameters.full_pass else "null without full_pass"
            yield from _differs(f"measurements[{place}].{name}", is_there, row.parameters.full_pass, words)


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

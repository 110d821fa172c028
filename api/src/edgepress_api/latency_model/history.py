"""Reads measured files and the work of networks from the database.

A search reads what was there before its job was posted, and the results of the job itself. Other jobs that run at the
same time do not change it, and neither does the order in which steps finished, so that the same search always proposes
the same trials.
"""

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased

from edgepress_api.database import PipelineRow, PipelineStepRow, StepInputRow, StepRow
from edgepress_api.latency_model.samples import LatencyHistory, MeasuredFile, Work, work_name
from edgepress_api.steps.plausible import shown_result
from edgepress_common.latency_table import export_name
from edgepress_common.results import EvaluationResult, ExportResult, StageResult
from edgepress_common.steps import EvaluationStep, ExportStep, PackStep, StageStep

_MOST_FILES = 400  # the latest ones; a search of a hundred trials has as many
_PROBE = "probe"
_OWN = (StepRow.origin_key.is_(None),)  # what another server claims teaches this one nothing


def latency_history(
    session: Session,
    *,
    device: str = "any",
    image_sizes: Collection[int] = (),
    before: datetime | None = None,
    job_number: int | None = None,
) -> LatencyHistory:
    """Return what is known about the latency of networks.

    Args:
        session: The database session.
        device: Name of the device; ``any`` reads the files of all devices.
        image_sizes: Image sizes of the networks whose work is read; empty for no networks.
        before: Only of steps that finished before this time; None for all.
        job_number: Also of the steps of this job, whenever they finished.
    """
    when = _when(before, job_number)
    networks = dict(_networks(session, image_sizes, when)) if image_sizes else {}
    return LatencyHistory(files=tuple(_files(session, device, when)), work=networks)


def _when(before: datetime | None, job_number: int | None) -> tuple[ColumnElement[bool], ...]:
    if before is None:
        return ()
    own = (
        select(PipelineStepRow.step_key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .where(PipelineRow.job_number == job_number)
    )
    return (or_(StepRow.finished_at < before, StepRow.key.in_(own)),)


def _files(session: Session, device: str, when: tuple[ColumnElement[bool], ...]) -> Iterator[MeasuredFile]:
    exported = aliased(StepRow)
    whose = () if device == "any" else (StepRow.holder == device,)
    rows = session.execute(
        select(StepRow.parameters, StepRow.result, exported.parameters, exported.result)
        .join(StepInputRow, (StepInputRow.step_key == StepRow.key) & (StepInputRow.role == "model"))
        .join(exported, exported.key == StepInputRow.input_key)
        .where(StepRow.kind == "evaluation", StepRow.state == "succeeded", *_OWN, *whose, *when)
        .order_by(StepRow.created_at.desc(), StepRow.key)
        .limit(_MOST_FILES)
    )
    for evaluation, result, export, file in rows:
        found = shown_result(result, None)[0]
        if isinstance(found, EvaluationResult) and isinstance(file, ExportResult) and file.work:
            assert isinstance(evaluation, EvaluationStep)
            assert isinstance(export, ExportStep)
            if not found.surroundings.emulated:
                yield MeasuredFile(
                    device=found.device,
                    runtime=found.surroundings.runtime,
                    processor=found.surroundings.cpu or found.surroundings.machine,
                    export=export_name(export.export),
                    work=file.work,
                    latency_ms={each.threads: each.latency_ms.p50 for each in found.measurements},
                    is_probe=evaluation.images is not None,
                )


def _networks(
    session: Session, image_sizes: Collection[int], when: tuple[ColumnElement[bool], ...]
) -> Iterator[tuple[str, Work]]:
    """Yield the work of the networks that probes have described, at image sizes."""
    pack = aliased(StepRow)
    rows = session.execute(
        select(StepRow.parameters, StepRow.result, pack.parameters)
        .join(StepInputRow, (StepInputRow.step_key == StepRow.key) & (StepInputRow.role == "pack"))
        .join(pack, pack.key == StepInputRow.input_key)
        .where(StepRow.kind == "stage", StepRow.title == _PROBE, StepRow.state == "succeeded", *_OWN, *when)
        .order_by(StepRow.created_at, StepRow.key)
    )
    for stage, result, packed in rows:
        assert isinstance(stage, StageStep)
        assert isinstance(packed, PackStep)
        if isinstance(result, StageResult) and packed.dataset.image_size in image_sizes:
            for keep, work in result.work_by_keep.items():
                yield work_name(stage.model, float(keep), packed.dataset.image_size), work

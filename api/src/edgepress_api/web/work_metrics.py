"""Figures for Prometheus: the work as it stands when they are asked for, and what has been counted of it.

All comes out of the database and the store, so any gateway of several tells the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edgepress_api.database import (
    CounterRow,
    Database,
    DatasetRow,
    DeviceRow,
    JobRow,
    ModelRow,
    StepArtifactRow,
    StepRow,
)
from edgepress_api.room import Room
from edgepress_common.messages import QUEUES


@dataclass(frozen=True)
class WorkCollector(Collector):
    """Looks at jobs, steps, devices and artifacts whenever it is asked.

    Attributes:
        database: Where they are.
        room: What is left for artifacts.
    """

    database: Database
    room: Room

    def describe(self) -> list[Metric]:
        """Nothing in advance, so that the registry does not ask the database when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        with self.database.read() as session:
            yield _jobs(session)
            yield from _steps(session)
            yield from _counters(session)
            yield _devices(session)
            yield _artifacts(session)
        yield from _room(self.room)


def _jobs(session: Session) -> Metric:
    jobs = GaugeMetricFamily("edgepress_jobs", "Jobs by state.", labels=["state"])
    for state, count in session.execute(select(JobRow.state, func.count()).group_by(JobRow.state)):
        jobs.add_metric([state], count)
    return jobs


def _steps(session: Session) -> Iterator[Metric]:
    steps = GaugeMetricFamily("edgepress_steps", "Steps by kind and state.", labels=["kind", "state"])
    waiting = dict.fromkeys([*QUEUES.values(), "devices"], 0)
    by_state = select(StepRow.kind, StepRow.state, func.count()).group_by(StepRow.kind, StepRow.state)
    for kind, state, count in session.execute(by_state):
        steps.add_metric([kind, state], count)
        if state in {"ready", "sent"}:
            waiting[QUEUES.get(kind, "devices")] += count
    yield steps
    queues = GaugeMetricFamily(
        "edgepress_queue_steps", "Steps that could begin and wait for a worker or device.", labels=["queue"]
    )
    for queue, count in waiting.items():
        queues.add_metric([queue], count)
    yield queues


def _counters(session: Session) -> Iterator[Metric]:
    values = {(row.name, row.kind): row.value for row in session.scalars(select(CounterRow))}
    seconds = SummaryMetricFamily(
        "edgepress_step_seconds", "Time that steps took, the last attempt's.", labels=["kind"]
    )
    failed = CounterMetricFamily("edgepress_attempts_failed", "Attempts at steps that failed.", labels=["kind"])
    lost = CounterMetricFamily("edgepress_leases_lost", "Steps whose holder fell silent.", labels=["kind"])
    for kind in (*QUEUES, "evaluation"):
        seconds.add_metric([kind], int(values.get(("steps_done", kind), 0)), values.get(("step_seconds", kind), 0))
        failed.add_metric([kind], values.get(("attempts_failed", kind), 0))
        lost.add_metric([kind], values.get(("leases_lost", kind), 0))
    yield from (seconds, failed, lost)


def _devices(session: Session) -> Metric:
    seen = GaugeMetricFamily(
        "edgepress_device_last_seen_timestamp_seconds", "When a device was last heard of.", labels=["device"]
    )
    for name, at in session.execute(select(DeviceRow.name, DeviceRow.last_seen_at)):
        seen.add_metric([name], at.timestamp())
    return seen


def _artifacts(session: Session) -> Metric:
    """What is referred to; what is not goes at the next cleaning."""
    each = select(func.max(StepArtifactRow.size_bytes).label("size_bytes")).group_by(StepArtifactRow.sha256).subquery()
    size = GaugeMetricFamily("edgepress_artifact_bytes", "Bytes of artifacts, by what they are of.", labels=["of"])
    size.add_metric(["steps"], float(session.scalar(select(func.sum(each.c.size_bytes))) or 0))
    for name, kind in (("datasets", DatasetRow), ("models", ModelRow)):
        size.add_metric([name], float(session.scalar(select(func.sum(kind.size_bytes))) or 0))
    return size


def _room(room: Room) -> Iterator[Metric]:
    free_bytes = room.store.free_bytes()
    if free_bytes is not None:  # a bucket does not tell
        yield GaugeMetricFamily("edgepress_artifact_free_bytes", "Left on the artifact store's disk.", free_bytes)
    yield GaugeMetricFamily(
        "edgepress_artifact_reserve_bytes", "Below so many bytes nothing new is accepted.", room.reserve_bytes
    )

"""Metrics for Prometheus: the current state of the work, and counters of finished work.

All are read from the database and the store, so every gateway returns the same values.
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
from edgepress_api.storage.free_space import FreeSpace
from edgepress_common.messages import QUEUES


@dataclass(frozen=True)
class WorkCollector(Collector):
    """Reads jobs, steps, devices and artifacts at each scrape.

    Attributes:
        database: The database.
        free_space: Space left for artifacts.
    """

    database: Database
    free_space: FreeSpace

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering this collector does not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the current metrics."""
        with self.database.read() as session:
            yield _jobs(session)
            yield from _steps(session)
            yield from _counters(session)
            yield _devices(session)
            yield _artifacts(session)
        yield from _free_space(self.free_space)


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
        "edgepress_queue_steps", "Ready steps that wait for a worker or device.", labels=["queue"]
    )
    for queue, count in waiting.items():
        queues.add_metric([queue], count)
    yield queues


def _counters(session: Session) -> Iterator[Metric]:
    values = {(row.name, row.kind): row.value for row in session.scalars(select(CounterRow))}
    seconds = SummaryMetricFamily("edgepress_step_seconds", "Duration of the last attempt at steps.", labels=["kind"])
    failed = CounterMetricFamily("edgepress_attempts_failed", "Failed attempts at steps.", labels=["kind"])
    lost = CounterMetricFamily("edgepress_leases_lost", "Leases that expired: missed heartbeats.", labels=["kind"])
    for kind in (*QUEUES, "evaluation"):
        seconds.add_metric([kind], int(values.get(("steps_done", kind), 0)), values.get(("step_seconds", kind), 0))
        failed.add_metric([kind], values.get(("attempts_failed", kind), 0))
        lost.add_metric([kind], values.get(("leases_lost", kind), 0))
    yield from (seconds, failed, lost)


def _devices(session: Session) -> Metric:
    seen = GaugeMetricFamily(
        "edgepress_device_last_seen_timestamp_seconds", "Time of the last heartbeat of a device.", labels=["device"]
    )
    for name, at in session.execute(select(DeviceRow.name, DeviceRow.last_seen_at)):
        seen.add_metric([name], at.timestamp())
    return seen


def _artifacts(session: Session) -> Metric:
    """Yield the size of referenced artifacts. Garbage collection removes the others."""
    each = select(func.max(StepArtifactRow.size_bytes).label("size_bytes")).group_by(StepArtifactRow.sha256).subquery()
    size = GaugeMetricFamily("edgepress_artifact_bytes", "Size of the referenced artifacts, by kind.", labels=["of"])
    size.add_metric(["steps"], float(session.scalar(select(func.sum(each.c.size_bytes))) or 0))
    for name, kind in (("datasets", DatasetRow), ("models", ModelRow)):
        size.add_metric([name], float(session.scalar(select(func.sum(kind.size_bytes))) or 0))
    return size


def _free_space(free_space: FreeSpace) -> Iterator[Metric]:
    free_bytes = free_space.store.free_bytes()
    if free_bytes is not None:  # not known for a bucket
        yield GaugeMetricFamily("edgepress_artifact_free_bytes", "Free space on the artifact store's disk.", free_bytes)
    yield GaugeMetricFamily(
        "edgepress_artifact_reserve_bytes", "Free space below which new work is refused.", free_space.reserve_bytes
    )

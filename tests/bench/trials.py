"""Time until the page of a search with 1,000 trials has its data: the requests for its trials and for their analysis.

Each trial is a pipeline with made-up figures, in SQLite; as many are proposed at once as a plan accepts, since a search
in generations takes long to fill the database. The first analysis of a process imports optuna's evaluators, and is not
counted; nor is the importance of the choices, which is kept for later requests.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import select, update

from edgepress_api.database import PipelineRow, StepRow
from edgepress_api.jobs.growing import grow_plans
from edgepress_api.planners.planner import PlannerJob, Proposal
from edgepress_api.planners.registry import Planners
from edgepress_api.planners.results import PipelineResult
from edgepress_api.planners.search.planner import SearchPlanner
from edgepress_api.report.search import report_search
from edgepress_common.spec.space import members, pipeline_of
from edgepress_common.trial import Trial
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.jobs import made_up
from fakes.search import search_spec
from fakes.searching import RandomFigures
from figures import Figure

_TRIALS = 1000
_AT_ONCE = 200
_ROUNDS = 3
_MOST_SECONDS = 5.0


class _ManyAtOnce(SearchPlanner):
    """Proposes the members of the space in their order."""

    def propose(self, job: PlannerJob, results: Sequence[PipelineResult]) -> Proposal:
        """See `Planner.propose`."""
        spec, search = job.spec, job.spec.searched()
        assert search is not None
        if len(results) == search.budget.trials:
            return Proposal(complete=True)
        tried = members(search.space, spec.model)[len(results) :][:_AT_ONCE]
        pipelines = [
            pipeline_of(f"trial {at}", each, search.space, model=spec.model, training=spec.training, share=1)
            for at, each in enumerate(tried, len(results) + 1)
        ]
        trials = {
            pipeline.name: Trial(kind="full", choices=member, reason="next in the space")
            for pipeline, member in zip(pipelines, tried, strict=True)
        }
        return Proposal(pipelines=tuple(pipelines), trials=trials)


def measure() -> list[Figure]:
    """A search in the default space, whose trials are all trained for all epochs."""
    with tempfile.TemporaryDirectory() as name:
        gateway = sqlite_gateway(Path(name), planners=Planners((_ManyAtOnce(),)))
        figures = RandomFigures(gateway, random.Random(0))
        search = {"objectives": ["accuracy", "latency", "coded"], "screening": 1, "budget": {"trials": _TRIALS}}
        job_id = gateway.submission.submit(search_spec(**search), gateway.now)
        for _ in range(_TRIALS // _AT_ONCE):
            _finish_all_steps(gateway, figures)
            grow_plans(gateway.database, gateway.ledger, gateway.planners, gateway.now)
        path = f"/v1/jobs/{job_id}/trials"

        def analyse() -> None:
            with gateway.database.read() as session:
                report_search(session, job_id)

        return [
            _figure("its trials", lambda: gateway.client.get(path).raise_for_status()),
            _figure("their analysis", analyse),
        ]


def _finish_all_steps(gateway: GatewayApp, figures: RandomFigures) -> None:
    """Write the results of all steps at once: workers and a device would take a transaction for each."""
    with gateway.database.write() as session:
        for row in session.scalars(select(StepRow).where(StepRow.state != "succeeded")):
            row.outputs, result = made_up(row.kind)
            row.result, row.state = figures.change(result), "succeeded"
            row.started_at, row.finished_at = gateway.now, gateway.workforce.now
        session.execute(update(PipelineRow).values(state="succeeded"))


def _figure(name: str, request: Callable[[], object]) -> Figure:
    request()
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        request()
        times.append(time.perf_counter() - began)
    seconds = min(times)
    return Figure(
        f"a search with {_TRIALS:,} trials: {name}",
        seconds,
        "s",
        f"<= {_MOST_SECONDS:g}",
        seconds <= _MOST_SECONDS,
        f"the fastest of {_ROUNDS} requests",
    )

"""Preview of a search before its job is posted: its space, what is ruled out already, and how long it may take."""

from collections.abc import Iterator, Sequence
from math import ceil

from sqlalchemy.orm import Session

from edgepress_api.jobs.estimating import estimate_plan
from edgepress_api.planners.planner import PlannerJob
from edgepress_api.planners.search.latency import Expectations
from edgepress_api.planners.search.past import REFERENCE, SHORT_REFERENCE, Past
from edgepress_api.planners.search.planner import PROMOTED_SHARE, deciding_device
from edgepress_common.answers.jobs import SearchPreview
from edgepress_common.figures.formats import percent
from edgepress_common.plan import Plan
from edgepress_common.spec.search import Search
from edgepress_common.spec.space import members
from edgepress_common.steps import StepKey


def preview_search(session: Session, job: PlannerJob, plan: Plan, done: Sequence[StepKey]) -> SearchPreview | None:
    """Return what the search of a job would try; None without a search.

    Args:
        session: The database session.
        job: The job.
        plan: The plan that it begins with.
        done: Steps of the plan whose results exist already.
    """
    search = job.spec.searched()
    if search is None:
        return None
    past = Past(job.spec, deciding_device(job), (), job.latency)
    expected = Expectations(past)
    space = members(search.space, job.spec.model)
    probes = sum(pipeline.trial is not None and pipeline.trial.kind == "probe" for pipeline in plan.pipelines)
    preview = SearchPreview(
        members=len(space),
        predicted=sum(expected.of(member) is not None for member in space),
        ruled_out=expected.count_ruled_out(),
        probes=probes,
        latency_error=expected.error,
        seconds=_seconds(session, search, plan, done),
        words="",
    )
    return preview.model_copy(update={"words": " ".join(_words(preview, search))})


def _seconds(session: Session, search: Search, plan: Plan, done: Sequence[StepKey]) -> float | None:
    by_step = estimate_plan(session, plan, ()).by_step
    steps = {pipeline.name: pipeline.steps for pipeline in plan.pipelines}

    def takes(name: str) -> float | None:
        """Return the time of a pipeline; None if that of its training is not known. Packing has no estimate."""
        stages = {step.key for step in plan.steps if step.kind == "stage"}
        known = [by_step.get(key) for key in steps[name] if key in stages or key in by_step]
        return None if None in known else sum(each for each in known if each is not None)

    full, short = takes(REFERENCE), takes(SHORT_REFERENCE if SHORT_REFERENCE in steps else REFERENCE)
    if full is None or short is None:
        return None
    promoted = ceil(search.budget.trials * PROMOTED_SHARE) if search.screening < 1 else 0
    later = search.budget.trials * short + (promoted + search.finalists * (search.seeds - 1)) * full
    seconds = sum(each for key, each in by_step.items() if key not in set(done)) + later
    return seconds if search.budget.hours is None else min(seconds, 3600 * search.budget.hours)


def _words(preview: SearchPreview, search: Search) -> Iterator[str]:
    yield f"The space has {preview.members} combinations, of which at most {search.budget.trials} are tried."
    if search.limits.max_latency_ms is None:
        return
    if preview.latency_error is not None and preview.predicted:
        yield (
            f"The device's latency model (median error {percent(preview.latency_error, 1)}) knows {preview.predicted} "
            f"of them, and expects {preview.ruled_out} to miss {search.limits.max_latency_ms:g} ms."
        )
    if preview.probes:
        yield f"{preview.probes} probes are measured first, to predict the others without training them."

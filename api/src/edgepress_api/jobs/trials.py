"""Shows the trials of a search, its winner, and the winner's judgement on the test split.

The winner is decided by `edgepress_api.planners.search`, without the test split. The judgement is added after that: the
accuracy of one file, and its difference from the reference by McNemar's exact test. The p-value is multiplied by the
number of files that the winner was chosen from (Bonferroni), so that it holds even if the test figures of all files,
which reports show, had been used to choose.
"""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow
from edgepress_api.jobs.asking import planner_job
from edgepress_api.jobs.pipeline_ends import End, find_ends
from edgepress_api.jobs.results_so_far import results_so_far
from edgepress_api.planners.results import ExportOutcome, PipelineResult
from edgepress_api.planners.search.latency import Expectations
from edgepress_api.planners.search.outcome import find_prices, find_winner
from edgepress_api.planners.search.past import REFERENCE, Past, key_of
from edgepress_api.planners.search.planner import deciding_device
from edgepress_api.planners.search.ranking import Ranked
from edgepress_common.answers.trials import FinalJudgement, TrialsView, TrialView, Winner
from edgepress_common.errors import NotFoundError
from edgepress_common.figures.formats import percent
from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.repeats import Repetition
from edgepress_common.results import EvaluationResult
from edgepress_common.significance import SIGNIFICANCE, discordant, mcnemar, wilson


def show_trials(session: Session, job_id: str) -> TrialsView:
    """Return the trials of a job's search.

    Raises:
        NotFoundError: No such job, or it has no search.
    """
    job, past = read_search(session, job_id)
    return view_trials(session, job, past)


def read_search(session: Session, job_id: str) -> tuple[JobRow, Past]:
    """Return a job and the results of its search so far.

    Raises:
        NotFoundError: No such job, or it has no search.
    """
    job = session.scalar(select(JobRow).where(JobRow.id == job_id))
    if job is None:
        raise NotFoundError(f"job {job_id!r} does not exist")
    if job.spec.search is None:
        raise NotFoundError(f"{job_id} has no search; accepted: a job whose spec has the field search")
    asked = planner_job(session, job)
    return job, Past(job.spec, deciding_device(asked), results_so_far(session, job.number), asked.latency)


def view_trials(session: Session, job: JobRow, past: Past) -> TrialsView:
    """Return the trials of a job whose results have been read; see `show_trials`."""
    expected = Expectations(past)
    winner = find_winner(past)
    shown = None if winner is None else _winner(past, winner)
    # Only the winner is judged: what leads before the end would be one of many looks at the test split.
    if winner is not None and shown is not None and job.plan_complete:
        names = (shown.pipeline, REFERENCE)
        final = {each.name: each for each in results_so_far(session, job.number, final=names)}
        judged = final[shown.pipeline].exports[winner.candidate.export]
        shown = shown.model_copy(update={"test": judge(past, judged, final.get(REFERENCE))})
    return TrialsView(
        complete=job.plan_complete,
        device=past.device,
        criteria=past.search.criteria(),
        objectives=len(past.search.objectives),
        trials=tuple(_trials(past, find_ends(session, job.number))),
        tried=len(past.choices()),
        trials_budget=past.search.budget.trials,
        hours=past.hours,
        hours_budget=past.search.budget.hours,
        winner=shown,
        prices=tuple(find_prices(past)),
        ruled_out=expected.count_ruled_out(),
        latency_error=expected.error,
    )


def _trials(past: Past, ends: Mapping[str, End]) -> list[TrialView]:
    screened = past.ranked_tried() if past.is_screening else []
    full = past.ranked_full()
    places = {each.candidate.pipeline: (at, each) for at, each in enumerate(screened, 1)}
    for at, each in enumerate(full, 1):
        places.setdefault(each.candidate.pipeline, (at, each))
    promoted, choices = past.promoted(), past.choices()
    views = []
    for result in past.results:
        place, ranked = places.get(result.name, (None, None))
        member = choices.get(result.name)
        is_stopped = past.is_screening and member is not None and key_of(member) not in promoted
        end = ends.get(result.name)
        views.append(
            TrialView(
                name=result.name,
                state=result.state,
                trial=result.trial,
                values={} if ranked is None else dict(ranked.candidate.values),
                keeps_limits=None if ranked is None else not ranked.excess,
                on_front=ranked is not None and ranked.on_front,
                place=place,
                stopped=_stopped(place, len(screened)) if is_stopped else None,
                ended_at=None if end is None else end.at,
                hours=None if end is None else end.hours,
            )
        )
    return views


def _stopped(place: int | None, count: int) -> str:
    if place is None:
        return "not measured after its screening"
    return f"number {place} of {count} trials after their screening; the best third is trained for all epochs"


def _winner(past: Past, winner: Ranked) -> Winner:
    repetitions = [
        result
        for result in past.results
        if Repetition.of(result.name).pipeline == winner.candidate.pipeline and result.exports
    ]
    measured = {each.name: value for each in repetitions if (value := _accuracy(past, each, winner)) is not None}
    ordered = sorted(measured, key=measured.__getitem__)
    name = ordered[(len(ordered) - 1) // 2]
    export = next(each for each in repetitions if each.name == name).exports[winner.candidate.export].export.kind
    values = dict(winner.candidate.values)
    figures = ", ".join(
        f"{OBJECTIVES[criterion].goal.title} {OBJECTIVES[criterion].figure.text(value)}"
        for criterion, value in values.items()
    )
    over = f", mean over {len(ordered)} seeds" if len(ordered) > 1 else ""
    limits = "" if not winner.excess else " It does not keep all limits: it is the nearest that was found."
    return Winner(
        pipeline=name,
        export=export,
        seeds=len(ordered),
        values=values,
        keeps_limits=not winner.excess,
        test=None,
        words=f"{name} {export}: {figures}{over}, chosen on the validation split.{limits}",
    )


def _accuracy(past: Past, result: PipelineResult, winner: Ranked) -> float | None:
    evaluation = _evaluation(result.exports[winner.candidate.export], past.device)
    return None if evaluation is None else evaluation.accuracy


def _evaluation(export: ExportOutcome, device: str) -> EvaluationResult | None:
    return next((each.result for each in export.evaluations if each.device == device), None)


def judge(past: Past, winner: ExportOutcome, reference_pipeline: PipelineResult | None) -> FinalJudgement | None:
    """Return the judgement of the winner's file on the test split; None without a test split.

    Args:
        past: The results of the search.
        winner: The winner's file, with its test split.
        reference_pipeline: The job's network, not compressed; None if it failed.
    """
    evaluation = _evaluation(winner, past.device)
    test = None if evaluation is None else evaluation.test
    if test is None:
        return None
    base = None if reference_pipeline is None else _evaluation(reference_pipeline.exports[0], past.device)
    reference = None if base is None else base.test
    tried = len(past.ranked_full())
    p_value = None
    if reference is not None and reference.right_images and test.right_images and reference.images == test.images:
        p_value = min(1.0, tried * mcnemar(*discordant(test.right_images, reference.right_images)))
    interval = wilson(test.accuracy, test.images)
    judgement = FinalJudgement(
        images=test.images,
        accuracy=test.accuracy,
        low=interval.low,
        high=interval.high,
        reference_accuracy=None if reference is None else reference.accuracy,
        tried=tried,
        p_value=p_value,
        words="",
    )
    return judgement.model_copy(update={"words": _judgement_words(judgement)})


def _judgement_words(judgement: FinalJudgement) -> str:
    begin = (
        f"{percent(judgement.accuracy, 1)} on {judgement.images} test images that no decision has seen (95 % interval "
        f"{100 * judgement.low:.1f} to {percent(judgement.high, 1)})"
    )
    if judgement.p_value is None or judgement.reference_accuracy is None:
        return f"{begin}."
    kind = "significantly different from" if judgement.p_value < SIGNIFICANCE else "not significantly different from"
    return (
        f"{begin}; {kind} the {percent(judgement.reference_accuracy, 1)} of the job's network, not compressed "
        f"(McNemar's test, p = {judgement.p_value:.2g}, corrected for the choice among {judgement.tried} files)."
    )

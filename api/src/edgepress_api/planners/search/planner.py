"""The order in which a search proposes pipelines; see the package."""

from collections.abc import Sequence
from dataclasses import astuple
from math import ceil, floor

from edgepress_api.planners.planner import PlannerJob, Proposal
from edgepress_api.planners.results import PipelineResult
from edgepress_api.planners.search.latency import Expectations, next_probes
from edgepress_api.planners.search.past import REFERENCE, SHORT_REFERENCE, MemberKey, Past, key_of
from edgepress_api.planners.search.ranking import Ranked, cost
from edgepress_api.planners.search.strategies import Told, next_members
from edgepress_common.answers.job_list import ACTIVE_STATES
from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.repeats import Repetition
from edgepress_common.spec import JobSpec, Pipeline
from edgepress_common.spec.exports.float32 import Float32Export
from edgepress_common.spec.space import members, pipeline_of, reference_of
from edgepress_common.trial import Choices, Trial

_GENERATION = 8  # keeps a few workers busy; a strategy learns from 40 trials five times
_SHORT = " short"
PROMOTED_SHARE = 1 / 3
"""Share of the trials that are trained for all epochs, as in Hyperband (Li et al. 2018, JMLR 18)."""


class SearchPlanner:
    """See the package."""

    name = "search"

    def serves(self, spec: JobSpec) -> bool:
        """See `Planner.serves`."""
        return spec.search is not None

    def propose(self, job: PlannerJob, results: Sequence[PipelineResult]) -> Proposal:
        """See `Planner.propose`.

        Raises:
            InvalidSpecError: The search names a device that it can't decide by.
        """
        past = Past(job.spec, deciding_device(job), results, job.latency)
        if not results:
            return _first(past)
        if any(result.state in ACTIVE_STATES for result in results):
            return Proposal()
        expected = Expectations(past)
        proposal = next_probes(past) or _promotion(past) or _generation(past, expected) or _finals(past)
        return Proposal(complete=True) if proposal is None else _with_predictions(proposal, expected)


def deciding_device(job: PlannerJob) -> str:
    """Return the name of the device whose measurements decide.

    Raises:
        InvalidSpecError: The search names a label instead.
    """
    search = job.spec.searched()
    if search is None or search.device is None or search.device in job.devices:
        return (search and search.device) or job.devices[0]
    raise InvalidSpecError(
        [
            FieldProblem(
                field="search.device",
                value=search.device,
                message="is a label of devices, and a search decides by one device",
                accepted=f"{', '.join(job.devices)}, or null for the first of them",
            )
        ]
    )


def _first(past: Past) -> Proposal:
    """Return the reference, probes, and what the spec lists. Their duration tells how many trials the hours are for."""
    pipelines = [_reference(past, REFERENCE, share=1)]
    trials = {REFERENCE: Trial(kind="reference", reason="the job's network, not compressed")}
    if past.is_screening:
        share = past.search.screening
        pipelines.append(_reference(past, SHORT_REFERENCE, share=share))
        words = f"the job's network after {share:.0%} of the epochs, as trials are screened"
        trials[SHORT_REFERENCE] = Trial(kind="screening", reason=words)
    probes = next_probes(past) or Proposal()
    pipelines += probes.pipelines
    return Proposal(pipelines=(*pipelines, *past.spec.pipeline_list()), trials=trials | probes.trials)


def _with_predictions(proposal: Proposal, expected: Expectations) -> Proposal:
    trials = {name: expected.with_prediction(trial) for name, trial in proposal.trials.items()}
    return proposal.model_copy(update={"trials": trials})


def _promotion(past: Past) -> Proposal | None:
    """Return the trials in the best third of those that were screened, trained for all epochs."""
    if not past.is_screening:
        return None
    choices, promoted, space = past.choices(), past.promoted(), _space(past)
    ranked = past.ranked_tried()
    pipelines, trials = [], {}
    for place, each in enumerate(ranked[: ceil(len(choices) * PROMOTED_SHARE)], 1):
        short = each.candidate.pipeline
        member = choices[short]
        if key_of(member) in promoted or key_of(member) not in space:
            continue
        name = short.removesuffix(_SHORT)
        reason = f"number {place} of {len(ranked)} trials after {past.search.screening:.0%} of the epochs"
        pipelines.append(_pipeline(past, name, member, share=1))
        trials[name] = Trial(kind="full", choices=member, parents=(short,), reason=reason)
    return Proposal(pipelines=tuple(pipelines), trials=trials) if pipelines else None


def _generation(past: Past, expected: Expectations) -> Proposal | None:
    """Return the next trials; None if the budget is spent or the space is exhausted."""
    choices, ranked = past.choices(), past.ranked_tried()
    count = min(_GENERATION, past.search.budget.trials - len(choices), _affordable(past))
    if count < 1:
        return None
    chosen = next_members(
        past.search.strategy,
        members(past.search.space, past.spec.model),
        _told(past, ranked),
        count=count,
        seed=past.spec.training.seed,
        place=expected.place,
    )
    earlier = [(each.candidate.pipeline, choices[each.candidate.pipeline]) for each in ranked]
    pipelines, trials = [], {}
    for number, member in enumerate(chosen, len(choices) + 1):
        name = f"trial {number}{_SHORT if past.is_screening else ''}"
        parents, reason = _lineage(member, earlier)
        pipelines.append(_pipeline(past, name, member, share=past.search.screening))
        kind = "screening" if past.is_screening else "full"
        trials[name] = Trial(kind=kind, choices=member, parents=parents, reason=reason)
    return Proposal(pipelines=tuple(pipelines), trials=trials) if pipelines else None


def _affordable(past: Past) -> int:
    """Return how many more trials the hours of the budget are for, if they take as long as pipelines did so far."""
    if past.search.budget.hours is None:
        return _GENERATION
    short, full = past.mean_hours(is_short=True), past.mean_hours(is_short=False)
    trial = short + PROMOTED_SHARE * full if past.is_screening else full
    finals = past.search.finalists * (past.search.seeds - 1) * full
    left = past.search.budget.hours - past.hours - finals
    return floor(left / trial) if trial else _GENERATION


def _told(past: Past, ranked: Sequence[Ranked]) -> list[Told]:
    choices, criteria = past.choices(), past.search.criteria()
    told = {
        each.candidate.pipeline: Told(
            choices[each.candidate.pipeline],
            tuple(cost(name, each.candidate.values[name]) for name in criteria),
            each.excess,
        )
        for each in ranked
    }
    return [*told.values(), *(Told(member) for name, member in choices.items() if name not in told)]


def _lineage(member: Choices, earlier: Sequence[tuple[str, Choices]]) -> tuple[tuple[str, ...], str]:
    """Return the earlier trial that a member is most like, the best of equal ones, and the differences in words."""
    if not earlier:
        return (), "one of the first trials"
    name, parent = min(earlier, key=lambda each: len(each[1].items() ^ member.items()))
    changes = (f"{choice} {label} instead of {parent[choice]}" for choice, label in member.items() - parent.items())
    return (name,), f"as {name}, with {', '.join(sorted(changes))}"


def _finals(past: Past) -> Proposal | None:
    """Return the best trials with further seeds; None if they have them."""
    known = {result.name: result.trial for result in past.results}
    repeated = {name for name, seed in (astuple(Repetition.of(each)) for each in known) if seed is not None}
    pipelines, trials = [], {}
    for place, name in enumerate(finalists(past), 1):
        if past.search.seeds > 1 and name not in repeated:
            trial = known[name]
            choices = {} if trial is None else trial.choices
            pipelines.append(_again(past, name, choices))
            reason = f"finalist {place}, with another seed"
            trials[name] = Trial(kind="finalist", choices=choices, parents=(name,), reason=reason)
    return Proposal(pipelines=tuple(pipelines), seeds=past.search.seeds, trials=trials) if pipelines else None


def finalists(past: Past) -> list[str]:
    """Return the names of the best pipelines that were trained for all epochs, the best first."""
    choices, space = past.choices(kinds=("full",)), _space(past)
    ranked = dict.fromkeys(each.candidate.pipeline for each in past.ranked_full())
    in_space = [name for name in ranked if name not in choices or key_of(choices[name]) in space]
    return in_space[: past.search.finalists]


def _again(past: Past, name: str, choices: Choices) -> Pipeline:
    """Return a pipeline that was proposed before."""
    if choices:
        return _pipeline(past, name, choices, share=1)
    if name == REFERENCE:
        return _reference(past, name, share=1)
    return next(pipeline for pipeline in past.spec.pipeline_list() if pipeline.name == name)


def _space(past: Past) -> set[MemberKey]:
    """Return what identifies the members of the space; it may be narrower than when a trial was proposed."""
    return {key_of(member) for member in members(past.search.space, past.spec.model)}


def _reference(past: Past, name: str, share: float) -> Pipeline:
    return reference_of(name, training=past.spec.training, share=share, exports=(Float32Export(),))


def _pipeline(past: Past, name: str, member: Choices, share: float) -> Pipeline:
    spec = past.spec
    return pipeline_of(name, member, past.search.space, model=spec.model, training=spec.training, share=share)

"""The trials of a search and their figures, read from the results of the job's pipelines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from edgepress_api.latency_model.samples import LatencyHistory
from edgepress_api.planners.results import PipelineResult
from edgepress_api.planners.search.ranking import Candidate, Ranked, Values, rank, reference_values
from edgepress_common.figures.figure import FieldPart, Sample, Value
from edgepress_common.figures.objectives import OBJECTIVES, Objective
from edgepress_common.repeats import Repetition
from edgepress_common.spec import JobSpec
from edgepress_common.spec.search import Search
from edgepress_common.trial import Choices, TrialKind

MemberKey = tuple[tuple[str, str], ...]

REFERENCE = "reference"
SHORT_REFERENCE = "reference short"


def key_of(choices: Choices) -> MemberKey:
    """Return what identifies a member of the space."""
    return tuple(sorted(choices.items()))


@dataclass(frozen=True)
class Past:
    """The results of a search so far.

    Attributes:
        spec: Spec of the job.
        device: Name of the device whose measurements decide.
        results: The pipelines of the job, in the order of its plan.
        latency: What is known about the latency of networks.
    """

    spec: JobSpec
    device: str
    results: Sequence[PipelineResult]
    latency: LatencyHistory = field(default_factory=LatencyHistory)

    @property
    def search(self) -> Search:
        """The search."""
        search = self.spec.searched()
        assert search is not None, "another planner serves jobs without a search"
        return search

    @property
    def is_screening(self) -> bool:
        """Whether trials are first trained for a share of the epochs."""
        return self.search.screening < 1

    @property
    def hours(self) -> float:
        """Hours of work that were spent on the job."""
        return sum(result.seconds for result in self.results) / 3600

    def mean_hours(self, *, is_short: bool) -> float:
        """Return the mean hours of work on a pipeline, those of screenings or of the others."""
        trained = [one for one in self.results if not _is_probe(one)]
        return fmean([one.seconds for one in trained if _is_full(one) != is_short] or [0.0]) / 3600

    def choices(self, kinds: Sequence[TrialKind] = ()) -> dict[str, Choices]:
        """Return the members of the space that were tried, by pipeline: after their first epochs, or of given kinds."""
        wanted = kinds or ("screening" if self.is_screening else "full",)
        return {
            result.name: result.trial.choices
            for result in self.results
            if result.trial is not None and result.trial.kind in wanted and result.trial.choices
        }

    def promoted(self) -> set[MemberKey]:
        """Return the members that were trained for all epochs."""
        return {key_of(member) for member in self.choices(("full",)).values()}

    def full_reference(self) -> Values:
        """Return the values that drops of pipelines with all epochs are measured against."""
        return self._reference(REFERENCE, [each.candidate for each in self.ranked_full()])

    def ranked_tried(self) -> list[Ranked]:
        """Return the candidates of the members that were tried, the best first, all after the same epochs."""
        tried = self.choices()
        results = [result for result in self.results if result.name in tried]
        return self._rank(results, SHORT_REFERENCE if self.is_screening else REFERENCE)

    def ranked_full(self) -> list[Ranked]:
        """Return the candidates that were trained for all epochs with the first seed, the best first."""
        return self._rank(
            [one for one in self.results if _is_full(one) and Repetition.of(one.name).seed is None], REFERENCE
        )

    def ranked_finalists(self) -> list[Ranked]:
        """Return the candidates with all seeds by the mean of their values over seeds, the best first."""
        groups: dict[tuple[str, int], list[Candidate]] = {}
        for each in self._candidates([one for one in self.results if _is_full(one)]):
            groups.setdefault((Repetition.of(each.pipeline).pipeline, each.export), []).append(each)
        means = [
            Candidate(name, export, {each: fmean(one.values[each] for one in group) for each in group[0].values})
            for (name, export), group in groups.items()
            if len(group) == self.search.seeds
        ]
        return rank(means, self.search, self._reference(REFERENCE, means))

    def _rank(self, results: Sequence[PipelineResult], reference: str) -> list[Ranked]:
        candidates = list(self._candidates(results))
        return rank(candidates, self.search, self._reference(reference, candidates))

    def _reference(self, name: str, candidates: Sequence[Candidate]) -> Values:
        found = self._candidates([one for one in self.results if one.name == name])
        return reference_values(next(found, None), candidates)

    def _candidates(self, results: Sequence[PipelineResult]) -> Iterator[Candidate]:
        """Yield the files whose figures are known in each criterion."""
        for result in results:
            for position, export in enumerate(result.exports):
                measured = next((each.result for each in export.evaluations if each.device == self.device), None)
                if measured is None or export.result is None:
                    continue
                # As the report: with the number of threads that the file is fastest with.
                fastest = min(measured.measurements, key=lambda each: each.latency_ms.p50)
                sample = Sample((), export.result, measured, fastest)
                values = {name: _value(OBJECTIVES[name], sample) for name in self.search.criteria()}
                known = {name: float(value) for name, value in values.items() if value is not None}
                if len(known) == len(values):
                    yield Candidate(result.name, position, known)


def _is_full(result: PipelineResult) -> bool:
    """Whether a pipeline was trained for all epochs."""
    return result.trial is None or result.trial.kind not in {"screening", "probe"}


def _is_probe(result: PipelineResult) -> bool:
    return result.trial is not None and result.trial.kind == "probe"


def _value(objective: Objective, sample: Sample) -> Value:
    """Return a figure of a file; None if it is unknown, or a time of an emulated device."""
    figure = objective.figure
    if figure.is_timing and sample.evaluation.surroundings.emulated:
        return None
    if not isinstance(figure.source, FieldPart):
        return figure.source.value(figure.name, sample)
    value = sample.measurement
    for name in figure.name.split("."):
        value = getattr(value, name)
    return value  # type: ignore[return-value]

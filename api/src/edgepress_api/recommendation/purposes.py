"""The file to ship for each purpose, among the files that keep the limits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from edgepress_api.recommendation.candidates import accuracy_of, choice, criterion_value, difference
from edgepress_api.recommendation.times import Times
from edgepress_api.recommendation.wording import (
    PURPOSE_OBJECTIVES,
    Against,
    all_round_words,
    purpose_words,
    tie_words,
)
from edgepress_common.answers.recommendation import Purpose, PurposeName, Standing
from edgepress_common.answers.report import ReportRow

_MOST_ACCURATE = "most_accurate"
_SMALLEST = "smallest_to_send"


@dataclass(frozen=True)
class _Merits:
    """How good rows are for each purpose.

    Attributes:
        times: Latencies of all rows of the device.
        levels: Latency that each row is ranked by, by ``id``; rows whose latencies do not differ significantly have
            the same.
    """

    times: Times
    levels: Mapping[int, float]

    def of(self, purpose: PurposeName, row: ReportRow) -> tuple[float, float]:
        """Return how good a row is for a purpose, larger being better; the second number decides among equals."""
        objective = PURPOSE_OBJECTIVES[purpose]
        value = self.levels[id(row)] if objective.figure.is_timing else criterion_value(objective, row)
        assert value is not None, "purposes whose figure is unknown are left out"
        second = -row.zip_bytes if purpose == _MOST_ACCURATE else accuracy_of(row)
        return (value if objective.figure.direction == "higher" else -value), second

    def best(self, purpose: PurposeName, rows: Sequence[ReportRow]) -> ReportRow:
        """Return the best of some rows for a purpose."""
        return max(rows, key=partial(self.of, purpose))

    def tied_with(self, row: ReportRow, rows: Sequence[ReportRow]) -> list[ReportRow]:
        """Return the other rows whose latency does not differ significantly from that of a row."""
        return [other for other in rows if other is not row and not self.times.differ(row, other)]


def find_purposes(
    rows: Sequence[ReportRow], standing: Standing, measured: Sequence[ReportRow], reference: ReportRow
) -> tuple[Purpose, ...]:
    """Return the choice for each purpose whose figure is known.

    Args:
        rows: The files that are recommended, the best first; at least one.
        standing: Places of the first.
        measured: All rows of the device.
        reference: The file that figures are compared with in words.
    """
    times = Times.among(measured)
    merits = _Merits(times, times.levels(rows))
    against = Against(reference, measured, times)
    best = merits.best(_MOST_ACCURATE, rows)
    as_accurate = [row for row in rows if difference(row, best).within_noise]
    instead = None if rows[0] in as_accurate else as_accurate[0]
    all_round = Purpose(
        purpose="best_all_round",
        choice=choice(rows[0]),
        instead=None if instead is None else choice(instead),
        words=all_round_words(rows, standing, instead, best=best, against=against),
    )
    return (all_round, *_by_merit(rows, as_accurate, merits, against))


def _by_merit(
    rows: Sequence[ReportRow], as_accurate: Sequence[ReportRow], merits: _Merits, against: Against
) -> Iterator[Purpose]:
    best = merits.best(_MOST_ACCURATE, rows)
    for purpose, objective in PURPOSE_OBJECTIVES.items():
        if any(objective.value(row) is None for row in rows):
            continue
        chosen = merits.best(purpose, rows)
        if purpose == _MOST_ACCURATE:
            # A file that is smaller to send, and whose accuracy does not differ significantly.
            smallest = merits.best(_SMALLEST, as_accurate)
            instead = smallest if smallest.zip_bytes < chosen.zip_bytes else None
        else:
            instead = None if chosen in as_accurate else merits.best(purpose, as_accurate)
        words = purpose_words(purpose, chosen, instead, best=best, against=against)
        tied = merits.tied_with(chosen, rows) if objective.figure.is_timing else []
        yield Purpose(
            purpose=purpose,
            choice=choice(chosen),
            instead=None if instead is None else choice(instead),
            words=f"{words} {tie_words(tied)}" if tied else words,
        )

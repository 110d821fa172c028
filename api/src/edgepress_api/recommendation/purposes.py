"""What to ship for which purpose, of the files that keep the limits."""

from collections.abc import Callable, Iterator, Sequence

from edgepress_api.recommendation.candidates import choice, difference
from edgepress_api.recommendation.document import Purpose, PurposeName, Standing
from edgepress_api.recommendation.wording import all_round_words, purpose_words
from edgepress_api.report.document.rows import ReportRow

_Merit = Callable[[ReportRow], tuple[float, ...]]

# Larger is better; the second figure decides among equals.
_MERITS: dict[PurposeName, _Merit] = {
    "smallest_to_send": lambda row: (-row.zip_bytes, row.accuracy),
    "fastest_to_run": lambda row: (-row.latency_ms.p50, row.accuracy),
    "most_accurate": lambda row: (row.accuracy, -row.zip_bytes),
}


def find_purposes(rows: Sequence[ReportRow], standing: Standing, reference: ReportRow) -> tuple[Purpose, ...]:
    """A choice for each purpose there is an answer to.

    Args:
        rows: That keep the limits, the best first; at least one.
        standing: Of the first.
        reference: What figures are compared with in words.
    """
    best = max(rows, key=_MERITS["most_accurate"])
    as_accurate = [row for row in rows if difference(row, best).within_noise]
    instead = None if rows[0] in as_accurate else as_accurate[0]
    all_round = Purpose(
        purpose="best_all_round",
        choice=choice(rows[0]),
        instead=None if instead is None else choice(instead),
        words=all_round_words(rows, standing, instead, best=best, reference=reference),
    )
    return (all_round, *_by_merit(rows, as_accurate, reference))


def _by_merit(rows: Sequence[ReportRow], as_accurate: Sequence[ReportRow], reference: ReportRow) -> Iterator[Purpose]:
    best = max(rows, key=_MERITS["most_accurate"])
    for purpose, merit in _MERITS.items():
        if purpose == "fastest_to_run" and rows[0].emulated:
            continue  # its times are none
        chosen = max(rows, key=merit)
        if purpose == "most_accurate":
            # What these images can't tell from it, and is smaller to send.
            smallest = max(as_accurate, key=_MERITS["smallest_to_send"])
            instead = smallest if smallest.zip_bytes < chosen.zip_bytes else None
        else:
            instead = None if chosen in as_accurate else max(as_accurate, key=merit)
        yield Purpose(
            purpose=purpose,
            choice=choice(chosen),
            instead=None if instead is None else choice(instead),
            words=purpose_words(purpose, chosen, instead, best=best, reference=reference),
        )

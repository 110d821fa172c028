"""Latencies of files as statistics.

1. Files that do the same work (`ReportRow.work`) on a device with as many threads take the same time. What differs is
   noise, which only ever adds time (Chen and Revels 2016, arXiv:1608.04295): the lowest of their medians counts for
   all.
2. Two medians whose difference is not significant are tied; see `edgepress_common.significance.medians_differ`.
3. Ties of many files are resolved from the fastest on: those that do not differ significantly from it count as fast as
   it is; the next is the fastest of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from edgepress_common.answers.report import ReportRow
from edgepress_common.results import Latency


@dataclass(frozen=True)
class Times:
    """The latencies of rows after step 1, by ``id`` of the row."""

    latencies: Mapping[int, Latency]

    @classmethod
    def among(cls, rows: Sequence[ReportRow]) -> Self:
        """Return the latencies of rows; files that do the same work are looked for among them."""
        lowest: dict[tuple[object, ...], Latency] = {}
        for row in rows:
            found = lowest.get(_same(row))
            if found is None or row.latency_ms.p50 < found.p50:
                lowest[_same(row)] = row.latency_ms
        return cls({id(row): lowest[_same(row)] for row in rows})

    def of(self, row: ReportRow) -> Latency:
        """Return the latency that counts for a row."""
        return self.latencies[id(row)]

    def differ(self, one: ReportRow, other: ReportRow) -> bool:
        """Return whether the latencies of two rows differ significantly."""
        return self.of(one).differs_from(self.of(other))

    def levels(self, rows: Sequence[ReportRow]) -> dict[int, float]:
        """Return the latency in milliseconds that each row is ranked by, by ``id``: step 3; tied rows have the same."""
        found: dict[int, float] = {}
        fastest: Latency | None = None
        for row in sorted(rows, key=lambda row: self.of(row).p50):
            if fastest is None or self.of(row).differs_from(fastest):
                fastest = self.of(row)
            found[id(row)] = fastest.p50
        return found


def _same(row: ReportRow) -> tuple[object, ...]:
    return row.device, row.threads, (row.work or id(row))

"""Pipelines that are repeated over seeds: mean and spread of each export, compared with the baseline seed by seed.

Exports are compared by the paired t-test over the seeds that both have, because a pipeline and the baseline with the
same seed start from the same training: what the seed does to both is not part of their difference.
"""

from collections.abc import Callable, Sequence
from statistics import fmean, stdev

from edgepress_common.answers.report import Baseline, OverSeeds, RepeatedExport, ReportRow
from edgepress_common.figures.formats import milliseconds, percent, points
from edgepress_common.significance import SIGNIFICANCE, paired_t

_Key = tuple[str, str, str, int]


def with_seeds(rows: Sequence[ReportRow]) -> tuple[ReportRow, ...]:
    """Return the rows, those of exports with several seeds with their figures over seeds."""
    groups = _groups(rows)
    return tuple(
        row.model_copy(update={"over_seeds": _over_seeds(groups[_key(row)])}) if len(groups[_key(row)]) > 1 else row
        for row in rows
    )


def find_repeats(rows: Sequence[ReportRow], baseline: Baseline | None) -> tuple[RepeatedExport, ...]:
    """Return each export over its seeds, in the order of the spec; none with one seed.

    Args:
        rows: Rows with their figures over seeds.
        baseline: The float32 file of the network trained and not compressed; None without one.
    """
    groups = _groups(rows)
    found = []
    for (_, _, device, threads), members in groups.items():
        reference = groups.get((baseline.pipeline, "float32", device, threads)) if baseline is not None else None
        if members[0].over_seeds is not None:
            found.append(_repeated(members[0], None if reference is members else reference))
    return tuple(found)


def _key(row: ReportRow) -> _Key:
    return row.spec_pipeline, row.export_name, row.device, row.threads


def _groups(rows: Sequence[ReportRow]) -> dict[_Key, list[ReportRow]]:
    """Return the rows of each export by seed. An export that a pipeline has twice counts once."""
    found: dict[_Key, list[ReportRow]] = {}
    for row in rows:
        group = found.setdefault(_key(row), [])
        if all(row.seed != other.seed for other in group):
            group.append(row)
    return found


def _over_seeds(group: Sequence[ReportRow]) -> OverSeeds:
    accuracies = [row.accuracy for row in group]
    latencies = [row.latency_ms.p50 for row in group]
    tests = {row.seed or 0: row.test_accuracy for row in group if row.test_accuracy is not None}
    has_test = len(tests) == len(group)
    sizes, zips = [row.size_bytes for row in group], [row.zip_bytes for row in group]
    return OverSeeds(
        seeds=len(group),
        accuracy={row.seed or 0: row.accuracy for row in group},
        accuracy_mean=fmean(accuracies),
        accuracy_std=stdev(accuracies),
        latency_ms_mean=fmean(latencies),
        latency_ms_std=stdev(latencies),
        size_bytes_mean=fmean(sizes),
        size_bytes_std=stdev(sizes),
        zip_bytes_mean=fmean(zips),
        zip_bytes_std=stdev(zips),
        test_accuracy=tests if has_test else None,
        test_accuracy_mean=fmean(tests.values()) if has_test else None,
        test_accuracy_std=stdev(tests.values()) if has_test else None,
    )


def _repeated(row: ReportRow, reference: Sequence[ReportRow] | None) -> RepeatedExport:
    over = row.over_seeds
    assert over is not None, "only exports with several seeds are repeated"
    known = {} if reference is None else {each.seed: each.accuracy for each in reference}
    differences = [accuracy - known[seed] for seed, accuracy in over.accuracy.items() if seed in known]
    against = None if reference is None or len(differences) < 2 else reference[0]  # noqa: PLR2004 - for a deviation
    p_value = None if against is None else paired_t(differences, 1 / row.images)
    return RepeatedExport(
        pipeline=row.spec_pipeline,
        method=row.method,
        export=row.export,
        device=row.device,
        threads=row.threads,
        over_seeds=over,
        against=None if against is None else f"{against.spec_pipeline} {against.export_name}",
        points_mean=None if against is None else fmean(differences),
        points_std=None if against is None else stdev(differences),
        p_value=p_value,
        words=_words(row, over, None if against is None else (against, differences)),
    )


def _words(row: ReportRow, over: OverSeeds, compared: tuple[ReportRow, Sequence[float]] | None) -> str:
    latency = (
        "" if row.emulated else f", median latency {_spread(milliseconds, over.latency_ms_mean, over.latency_ms_std)}"
    )
    begin = (
        f"{row.spec_pipeline} {row.export_name} over {over.seeds} seeds: validation accuracy "
        f"{_spread(percent, over.accuracy_mean, over.accuracy_std)}{latency} (mean and standard deviation)"
    )
    if compared is None:
        return f"{begin}."
    against, differences = compared
    mean, p_value = fmean(differences), paired_t(differences, 1 / row.images)
    kind = "a significant" if p_value < SIGNIFICANCE else "no significant"
    other = f"{against.spec_pipeline} {against.export_name}"
    return (
        f"{begin}; {points(abs(mean))} {'less' if mean < 0 else 'more'} than {other} with the same seeds, standard "
        f"deviation {points(stdev(differences))}: {kind} difference between the methods (paired t-test over "
        f"{len(differences)} seeds, p = {p_value:.2g})."
    )


def _spread(text: Callable[[float], str], mean: float, std: float) -> str:
    return f"{text(mean)} \N{PLUS-MINUS SIGN} {text(std)}"

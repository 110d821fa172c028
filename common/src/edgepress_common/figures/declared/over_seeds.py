"""Mean and spread of a pipeline's export over seeds; unknown where a job has one seed."""

from edgepress_common.figures.figure import Direction, FieldPart, Figure, PageColumn, Split

_GROUP = "Over seeds"


def _figure(name: str, title: str, csv_position: int, *, unit: str = "share", direction: Direction = "none",
            page: PageColumn | None = None, split: Split | None = None) -> Figure:  # fmt: skip
    return Figure(
        name=f"over_seeds.{name}",
        title=title,
        head=title,
        unit=unit,
        description=f"{title[0].upper()}{title[1:]}, of the same export of the same pipeline; unknown with one seed.",
        source=FieldPart("the repetitions over seeds"),
        direction=direction,
        is_timing=unit == "ms",
        is_integer=unit == "count",
        split=split,
        csv_position=csv_position,
        page=page,
    )


def _column(position: int, head: str) -> PageColumn:
    return PageColumn(group=_GROUP, position=position, head=head, is_optional=True)


SEEDS = _figure("seeds", "number of seeds", 75, unit="count")
ACCURACY = _figure(
    "accuracy_mean", "mean accuracy over seeds", 76, direction="higher", page=_column(14, "Mean accuracy")
)
ACCURACY_STD = _figure("accuracy_std", "standard deviation of the accuracy over seeds", 77, page=_column(15, "SD"))
LATENCY = _figure(
    "latency_ms_mean", "mean of the median latencies over seeds", 78, unit="ms", direction="lower",
)  # fmt: skip
LATENCY_STD = _figure("latency_ms_std", "standard deviation of the median latencies over seeds", 79, unit="ms")
TEST_ACCURACY = _figure(
    "test_accuracy_mean", "mean test accuracy over seeds", 92, direction="higher", split="test",
    page=_column(16, "Mean test accuracy"),
)  # fmt: skip
TEST_ACCURACY_STD = _figure(
    "test_accuracy_std", "standard deviation of the test accuracy over seeds", 93, split="test",
    page=_column(17, "SD of the test accuracy"),
)  # fmt: skip

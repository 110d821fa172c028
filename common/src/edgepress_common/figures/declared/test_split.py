"""The test split: the same file on images that no decision has seen. Its figures are never criteria."""

from collections.abc import Callable
from typing import Any

from edgepress_common.figures.figure import Derived, Figure, PageColumn, TerminalColumn, Value
from edgepress_common.results import SplitResult
from edgepress_common.significance import wilson


def _figure(name: str, title: str, compute: Callable[[SplitResult], Value], description: str, **more: Any) -> Figure:
    settings = {"unit": "share", "direction": "higher"} | more
    return Figure(
        name=f"test_{name}",
        title=f"{title} on the test split",
        head=f"Test {title}",
        description=f"{description}; unknown without a test split.",
        source=Derived(lambda of: None if of.evaluation.test is None else compute(of.evaluation.test), "test split"),
        split="test",
        **settings,
    )


ACCURACY = _figure(
    "accuracy",
    "accuracy",
    lambda test: test.accuracy,
    "Share of the test images that are classified correctly",
    csv_position=80,
    terminal=TerminalColumn(position=10, head="test\n%", is_wide=False),
    page=PageColumn(group="Test", position=12, head="Accuracy", interval=("test_accuracy_low", "test_accuracy_high")),
)
LOW = _figure(
    "accuracy_low",
    "lower end of the accuracy's interval",
    lambda test: wilson(test.accuracy, test.images).low,
    "Lower end of the test accuracy's 95 % interval (Wilson's)",
    csv_position=81,
    digits=1,
)
HIGH = _figure(
    "accuracy_high",
    "upper end of the accuracy's interval",
    lambda test: wilson(test.accuracy, test.images).high,
    "Upper end of the test accuracy's 95 % interval (Wilson's)",
    csv_position=82,
    digits=1,
)
PRECISION = _figure(
    "precision", "precision", lambda test: test.precision, "Precision, as the mean over the classes", csv_position=83
)
RECALL = _figure("recall", "recall", lambda test: test.recall, "Recall, as the mean over the classes", csv_position=84)
F1 = _figure(
    "f1",
    "F1",
    lambda test: test.f1,
    "F1, as the mean over the classes",
    csv_position=85,
    page=PageColumn(group="Test", position=13, head="F1"),
)
IMAGES = _figure(
    "images",
    "number of images",
    lambda test: test.images,
    "Number of test images",
    csv_position=86,
    unit="count",
    direction="none",
    is_integer=True,
)

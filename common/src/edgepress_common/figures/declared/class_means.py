"""Precision, recall and F1: means over the classes, each class weighing the same (macro averages); the worst class.

The mean recall is also called balanced accuracy.
"""

from edgepress_common.figures.figure import Derived, Figure, Goal, Measured, PageColumn, Sample


def _goal(criterion: str, title: str) -> Goal:
    return Goal(criterion=criterion, field=criterion, title=title, most=1, scale="share", is_told=False)


def _mean(
    name: str, title: str, csv_position: int, *, page: PageColumn | None = None, goal: Goal | None = None
) -> Figure:
    return Figure(
        name=name,
        title=goal.title if goal is not None else title,
        head=title,
        unit="share",
        description=f"{title} on the validation images, as the mean over the classes, each class weighing the same.",
        source=Measured("evaluation"),
        direction="higher",
        is_always_known=True,
        split="validation",
        csv_position=csv_position,
        page=page,
        goal=goal,
    )


def _worst_recall(of: Sample) -> float | None:
    recalls = [line[at] / sum(line) for at, line in enumerate(of.evaluation.confusion) if sum(line)]
    return min(recalls, default=None)


PRECISION = _mean("precision", "Precision", 6)
RECALL = _mean("recall", "Recall", 7, goal=_goal("balanced_accuracy", "balanced accuracy"))
F1 = _mean("f1", "F1", 8, page=PageColumn(group="Validation", position=11), goal=_goal("f1", "F1"))
WORST = Figure(
    name="worst_class_recall",
    title="recall of the worst class",
    head="Worst class",
    unit="share",
    description="Lowest share of the validation images of a class that are classified correctly.",
    source=Derived(_worst_recall, "the confusion matrix"),
    direction="higher",
    split="validation",
    csv_position=72,
    goal=_goal("worst_class_recall", "recall of the worst class"),
)

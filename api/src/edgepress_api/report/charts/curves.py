"""Training curves over epochs."""

import math
from collections.abc import Sequence

from edgepress_common.answers.charts import Chart, ChartAxis, ChartPoint, ChartSeries
from edgepress_common.answers.report import TrainingRecord
from edgepress_common.results import Epoch

_LARGEST = 1e9  # a larger loss has diverged, and would hide the other values


def training_charts(epochs: Sequence[Epoch]) -> tuple[Chart, ...]:
    """Return charts of accuracy and loss in training and validation, and of bits per weight where these are trained.

    There are none for fewer than two epochs.
    """
    if len(epochs) <= 1:
        return ()
    bits = [math.nan if epoch.bits_per_weight is None else epoch.bits_per_weight for epoch in epochs]
    rate = () if all(map(math.isnan, bits)) else (_chart("Estimated bits per weight", {"training": bits}),)
    return (
        _chart(
            "Accuracy",
            {"training": [epoch.accuracy for epoch in epochs], "validation": [epoch.val_accuracy for epoch in epochs]},
        ),
        _chart(
            "Loss", {"training": [epoch.loss for epoch in epochs], "validation": [epoch.val_loss for epoch in epochs]}
        ),
        *rate,
    )


def student_chart(trainings: Sequence[TrainingRecord]) -> Chart | None:
    """Return the validation accuracy of a student, of its teacher, and of the student trained without it: Figure 17.

    Args:
        trainings: All trainings of the report.

    Returns:
        The chart of the first distillation; None without one, or with fewer than two epochs.
    """
    student = next((each for each in trainings if each.stage == "distill" and len(each.epochs) > 1), None)
    if student is None:
        return None
    found = {"student": student}
    for each in trainings:
        if each.stage == "train" and len(each.stages) == 1:
            is_alone = each.architecture == student.architecture and each.parameters == student.parameters
            found.setdefault("alone" if is_alone else "teacher", each)
    series = {name: [epoch.val_accuracy for epoch in each.epochs] for name, each in found.items() if each.epochs}
    return _chart("Validation accuracy", series) if len(series) > 1 else None


def _chart(title: str, series: dict[str, list[float]]) -> Chart:
    final = ", ".join(f"{name} {values[-1]:.3f}" for name, values in series.items())
    return Chart(
        topic="training",
        title=title,
        summary=f"{title} over {max(map(len, series.values()))} epochs; final {final}",
        x=ChartAxis(title="epoch"),
        y=ChartAxis(title=title.lower()),
        series=tuple(
            ChartSeries(
                name=name,
                kind="line",
                colour=name,
                points=tuple(
                    ChartPoint(x=epoch, y=value, words=f"{name}, epoch {epoch}: {value:.4g}")
                    for epoch, value in enumerate(values, 1)
                    if math.isfinite(value) and abs(value) <= _LARGEST
                ),
            )
            for name, values in series.items()
        ),
    )

"""The recommendation in three short sentences: which file, what it gives up, what it wins."""

import base64

from edgepress_api.recommendation.recommending import recommend
from edgepress_common.answers.report import ReportRow
from edgepress_common.spec import Goals
from fakes.reports import make_report, make_row

X, NOISE = "\N{MULTIPLICATION SIGN}", "not statistically significant"
BASE = make_row("float32", accuracy=0.945, images=1600, p50=70)
INT8 = make_row("int8", accuracy=0.94, images=1600, p50=30, size_bytes=11_175_000)


def summary(*rows: ReportRow, **goals: object) -> tuple[str, ...]:
    """Return the sentences for the only device."""
    (device,) = recommend(rows, make_report().baselines, Goals.model_validate(goals)).devices
    return device.summary


def test_a_small_file_gives_up_accuracy_and_wins_size_and_time() -> None:
    """With the figures, and whether the loss is significant."""
    assert summary(BASE, INT8) == (
        "Ship base int8, the first of 2 files within the limits.",
        f"Compared with base float32, it is 0.50 points less accurate (94.00 % instead of 94.50 %, {NOISE}).",
        f"It is 2.33{X} faster, 4.00{X} smaller and 4.00{X} smaller zipped.",
    )


def test_a_significant_loss_is_stated_without_reservation() -> None:
    """On the same images, McNemar's test decides."""
    count = 1600
    base = BASE.model_copy(update={"right_images": bits(1512, count)})
    int8 = INT8.model_copy(update={"right_images": bits(1504, count), "accuracy": 1504 / count})
    _, lost, _ = summary(base, int8)
    assert lost == "Compared with base float32, it is 0.50 points less accurate (94.00 % instead of 94.50 %)."


def bits(right: int, images: int) -> str:
    """Return bits of which the last ones are set."""
    return base64.b64encode(((1 << right) - 1).to_bytes(images // 8)).decode()


def test_a_slower_file_gives_that_up_as_well() -> None:
    """A latency that does not differ significantly is not stated as a gain."""
    slower = INT8.model_copy(update={"latency_ms": make_row("int8", p50=90).latency_ms, "accuracy": 0.95})
    _, lost, won = summary(BASE, slower, weights={"latency": 0})
    assert lost == f"Compared with base float32, it is 1.29{X} slower."
    assert won.startswith(f"It is 0.50 points more accurate (95.00 % instead of 94.50 %, {NOISE}), 4")
    tied = INT8.model_copy(update={"latency_ms": BASE.latency_ms})
    assert summary(BASE, tied)[2].endswith("smaller zipped; its latency does not differ significantly.")


def test_the_reference_is_compared_with_nothing() -> None:
    """The same holds for the only file; without a file within the limits there are no sentences."""
    assert summary(BASE) == (
        "Ship base float32, the only file within the limits.",
        "It is the file that the others are compared with: it gives up nothing.",
        "There is no other file to choose.",
    )
    assert summary(BASE, INT8, max_size_bytes=1) == ()

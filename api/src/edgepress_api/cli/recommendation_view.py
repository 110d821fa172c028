"""A recommendation in the terminal: what to ship and why, then the ranking it comes from."""

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from edgepress_api.cli.formats import figure
from edgepress_api.recommendation.document import (
    Candidate,
    Choice,
    DeviceRecommendation,
    Front,
    PerCriterion,
    Recommendation,
)
from edgepress_api.recommendation.wording import CRITERION_WORDS, METHODS, PURPOSES
from edgepress_common.spec import CRITERIA

_MEGABYTE = 1_000_000


def recommendation_parts(recommendation: Recommendation, most: int) -> Iterator[RenderableType]:
    """Everything there is to say.

    Args:
        recommendation: What to show.
        most: Candidates shown of each device; those below are counted.
    """
    if not recommendation.devices:
        yield Text("Nothing has been measured yet.")
        return
    yield Text(f"Weights: {_weights(recommendation.weights)}.", style="dim")
    for device in recommendation.devices:
        yield Text(f"\n{device.device}", style="bold")
        yield from _purposes(device)
        yield _ranking(device, most)
        yield from _notes(device, most)


def _weights(weights: PerCriterion) -> str:
    found = ((CRITERION_WORDS[name], getattr(weights, name)) for name in CRITERIA)
    return ", ".join(f"{word} {100 * weight:.0f} %" for word, weight in found)


def _purposes(device: DeviceRecommendation) -> Iterator[RenderableType]:
    if not device.purposes:
        yield Text("No file keeps the limits; each says below what it misses.", style="bold red")
    for purpose in device.purposes:
        yield Text(PURPOSES[purpose.purpose], style="bold cyan")
        yield Padding(Text(purpose.words), (0, 0, 0, 2))
    if device.cautions:
        yield Text("Be careful", style="bold yellow")
        for caution in device.cautions:
            yield Padding(Text(f"- {caution}"), (0, 0, 0, 2))


def _ranking(device: DeviceRecommendation, most: int) -> RenderableType:
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", title="Ranking",
        title_style="bold", title_justify="left",
    )  # fmt: skip
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("file", overflow="fold")
    for name in ("acc\n%", "95 %\nfrom, to", "p50\nms", "size\nMB", "zip\nMB", "sum", "TOPSIS", "AHP"):
        table.add_column(name, justify="right", no_wrap=True)
    for candidate in device.candidates[:most]:
        table.add_row(*_cells(candidate))
    return table


def _cells(candidate: Candidate) -> Iterator[str]:
    standing = candidate.standing
    mark = "*" if standing is not None and standing.on_front else ""
    yield "-" if standing is None else f"{standing.place}"
    yield f"{candidate.pipeline} {candidate.export}{mark}"
    yield f"{100 * candidate.accuracy:.2f}{'~' if candidate.difference.within_noise else ''}"
    yield f"{100 * candidate.accuracy_low:.1f} {100 * candidate.accuracy_high:.1f}"
    yield "-" if candidate.latency_ms is None else figure(candidate.latency_ms)
    yield figure(candidate.size_bytes / _MEGABYTE)
    yield figure(candidate.zip_bytes / _MEGABYTE)
    for method in METHODS:
        yield "-" if standing is None else f"{standing.totals[method]:.3f}"


def _notes(device: DeviceRecommendation, most: int) -> Iterator[RenderableType]:
    for note in _note_texts(device, most):
        yield Text(note, style="dim")


def _note_texts(device: DeviceRecommendation, most: int) -> Iterator[str]:
    left = len(device.candidates) - most
    if left > 0:
        yield f"{left} more files; --top shows them."
    yield "*: nothing is at least as good in everything. ~: its accuracy can't be told from the best's."
    for front in device.fronts:
        yield _front_words(front)
    if device.stability is not None:
        yield device.stability.words
    for candidate in device.candidates[:most]:
        if candidate.misses:
            yield f"{_name(candidate)} {', '.join(candidate.misses)}."


def _front_words(front: Front) -> str:
    knee = "no knee" if front.knee is None else f"knee at {_name(front.knee)}"
    return (
        f"Accuracy against {CRITERION_WORDS[front.against]}: {', '.join(map(_name, front.members))}; {knee}; "
        f"hypervolume {front.hypervolume:.3f}."
    )


def _name(choice: Choice) -> str:
    return f"{choice.pipeline} {choice.export}"

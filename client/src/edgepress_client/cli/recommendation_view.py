"""A recommendation in the terminal: the choices and their reasons, then the ranking that they follow from."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from edgepress_common.answers.recommendation import (
    Candidate,
    Choice,
    DeviceRecommendation,
    Front,
    PerCriterion,
    Recommendation,
)
from edgepress_common.figures.objectives import OBJECTIVES, Objective, told_against_accuracy
from edgepress_common.figures.tables import terminal_head
from edgepress_common.recommendation_words import CRITERION_WORDS, PURPOSES, RANKING_TITLES
from edgepress_common.spec import CRITERIA


def recommendation_parts(recommendation: Recommendation, most: int) -> Iterator[RenderableType]:
    """Yield the parts of a recommendation.

    Args:
        recommendation: Recommendation to show.
        most: Largest number of candidates to show of each device; the others are counted.
    """
    yield Text(f"Weights: {_weights(recommendation.weights)}.", style="dim")
    for device in recommendation.devices:
        yield Text(f"\n{device.device}", style="bold")
        yield from map(Text, device.summary)
        yield from _purposes(device)
        yield _ranking(device, most)
        yield from _notes(device, most)


def _weights(weights: PerCriterion) -> str:
    found = [(name, weight) for name in CRITERIA if (weight := getattr(weights, name)) is not None]
    shown = ((CRITERION_WORDS[name], weight) for name, weight in found if weight or OBJECTIVES[name].goal.weight)
    return ", ".join(f"{word} {100 * weight:.0f} %" for word, weight in shown)


def _purposes(device: DeviceRecommendation) -> Iterator[RenderableType]:
    if not device.purposes:
        yield Text("No file keeps the limits; the notes list the limits that each misses.", style="bold red")
    for purpose in device.purposes:
        yield Text(PURPOSES.get(purpose.purpose, purpose.purpose.replace("_", " ")), style="bold cyan")
        if purpose.final is not None:
            yield Padding(Text(f"{_name(purpose.choice)}: {purpose.final.words}."), (0, 0, 0, 2))
        yield Padding(Text(purpose.words), (0, 0, 0, 2))
    if device.cautions:
        yield Text("Caveats", style="bold yellow")
        for caution in device.cautions:
            yield Padding(Text(f"- {caution}"), (0, 0, 0, 2))


def _ranking(device: DeviceRecommendation, most: int) -> RenderableType:
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", title="Ranking",
        title_style="bold", title_justify="left",
    )  # fmt: skip
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("file", overflow="fold")
    others = told_against_accuracy(device.candidates)
    heads = [terminal_head(each.figure) for each in others]
    test = ("test\n%",) if device.test_images is not None else ()
    for name in ("acc\n%", "95 %\nfrom, to", *test, *heads, "sum", "TOPSIS", "AHP"):
        table.add_column(name, justify="right", no_wrap=True)
    for candidate in device.candidates[:most]:
        table.add_row(*_cells(candidate, others, has_test=bool(test)))
    return table


def _cells(candidate: Candidate, others: Sequence[Objective], *, has_test: bool) -> Iterator[str]:
    standing = candidate.standing
    mark = "*" if standing is not None and standing.on_front else ""
    yield "-" if standing is None else f"{standing.place}"
    yield f"{candidate.pipeline} {candidate.export_name}{mark}"
    yield f"{100 * candidate.accuracy:.2f}{'~' if candidate.difference.within_noise else ''}"
    yield f"{100 * candidate.accuracy_low:.1f} {100 * candidate.accuracy_high:.1f}"
    if has_test:
        yield "-" if candidate.final is None else f"{100 * candidate.final.accuracy:.2f}"
    yield from (each.figure.bare(getattr(candidate, each.goal.field)) for each in others)
    for method in RANKING_TITLES:
        yield "-" if standing is None else f"{standing.totals[method]:.3f}"


def _notes(device: DeviceRecommendation, most: int) -> Iterator[RenderableType]:
    for note in _note_texts(device, most):
        yield Text(note, style="dim")


def _note_texts(device: DeviceRecommendation, most: int) -> Iterator[str]:
    left = len(device.candidates) - most
    if left > 0:
        yield f"{left} more files; --top shows them."
    if device.test_images is not None:
        yield (
            f"acc: on the validation images, by which files are ranked. test: on {device.test_images} other images, "
            "which no decision has seen; -: not measured."
        )
    yield "*: no other file is at least as good in every criterion. ~: not significantly less accurate than the best."
    for front in device.fronts:
        yield _front_words(front)
    if device.stability is not None:
        yield device.stability.words
    for candidate in device.candidates[:most]:
        if candidate.misses:
            yield f"{_name(candidate)}: {', '.join(candidate.misses)}."


def _front_words(front: Front) -> str:
    knee = "no knee" if front.knee is None else f"knee at {_name(front.knee)}"
    against = CRITERION_WORDS.get(front.against, front.against)
    members = ", ".join(map(_name, front.members))
    return f"Accuracy against {against}: {members}; {knee}; hypervolume {front.hypervolume:.3f}."


def _name(choice: Choice) -> str:
    return f"{choice.pipeline} {choice.export_name}"

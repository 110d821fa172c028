"""The options that say what a file has to be, as `recommend` and `report` take them; the gateway judges them."""

from collections.abc import Sequence
from typing import Annotated

import typer

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec import CRITERIA, RankingMethod

Parameters = dict[str, str | list[str]]

_PANEL = "What to look for, over the goals of the job's spec"

MaxDropOption = Annotated[
    float | None,
    typer.Option(
        "--max-accuracy-drop",
        metavar="SHARE",
        help="Accuracy that may be lost: 0.01 is one point.",
        rich_help_panel=_PANEL,
    ),
]
MaxLatencyOption = Annotated[
    float | None,
    typer.Option("--max-latency-ms", metavar="MS", help="Median time of one image.", rich_help_panel=_PANEL),
]
MaxSizeOption = Annotated[
    int | None, typer.Option("--max-size-bytes", metavar="BYTES", help="Of the file.", rich_help_panel=_PANEL)
]
MaxZipOption = Annotated[
    int | None, typer.Option("--max-zip-bytes", metavar="BYTES", help="Of the file, zipped.", rich_help_panel=_PANEL)
]
WeightOption = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        metavar="CRITERION=NUMBER",
        help=f"How much {', '.join(CRITERIA)} count; can be given for each.",
        rich_help_panel=_PANEL,
    ),
]
PreferOption = Annotated[
    list[str] | None,
    typer.Option(
        "--prefer",
        metavar="ONE:OTHER:TIMES",
        help="The one is so many times as important as the other, 1 to 9; weights follow from these.",
        rich_help_panel=_PANEL,
    ),
]
MethodOption = Annotated[
    RankingMethod | None,
    typer.Option("--method", help="Which ranking the first place is of.", rich_help_panel=_PANEL),
]
AfreshOption = Annotated[
    bool, typer.Option("--afresh", help="Leave the goals of the job's spec aside.", rich_help_panel=_PANEL)
]


def goal_parameters(
    limits: dict[str, float | None],
    *,
    weight: Sequence[str] | None,
    prefer: Sequence[str] | None,
    method: str | None,
    afresh: bool,
) -> Parameters:
    """What was asked for, as the gateway's query has it; empty if nothing was.

    Raises:
        InvalidInputError: A weight is not of the form CRITERION=NUMBER.
    """
    found: Parameters = {name: f"{value}" for name, value in limits.items() if value is not None}
    for text in weight or ():
        criterion, separator, number = text.partition("=")
        if not separator or criterion not in CRITERIA:
            raise InvalidInputError(
                f"--weight {text!r} is none; accepted: {', '.join(f'{c}=NUMBER' for c in CRITERIA)}"
            )
        found[f"weight_{criterion}"] = number
    if prefer:
        found["prefer"] = list(prefer)
    if method is not None:
        found["method"] = method
    if afresh:
        found["spec_goals"] = "false"
    return found

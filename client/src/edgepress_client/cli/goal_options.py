"""Options for goals, shared by `recommend` and `report`. The gateway validates their values."""

from collections.abc import Sequence
from typing import Annotated

import typer

from edgepress_common.errors import InvalidInputError
from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.spec import CRITERIA, RankingMethod

Parameters = dict[str, str | list[str]]

_PANEL = "Goals, overriding those of the job's spec"

MaxDropOption = Annotated[
    float | None,
    typer.Option(
        "--max-accuracy-drop",
        metavar="SHARE",
        help="Largest loss of accuracy, as a share: 0.01 is one percentage point.",
        rich_help_panel=_PANEL,
    ),
]
MaxLatencyOption = Annotated[
    float | None,
    typer.Option(
        "--max-latency-ms",
        metavar="MS",
        help="Largest median latency of one image, in milliseconds.",
        rich_help_panel=_PANEL,
    ),
]
MaxSizeOption = Annotated[
    int | None,
    typer.Option("--max-size-bytes", metavar="BYTES", help="Largest size of the .tflite file.", rich_help_panel=_PANEL),
]
MaxZipOption = Annotated[
    int | None,
    typer.Option("--max-zip-bytes", metavar="BYTES", help="Largest size of the file, zipped.", rich_help_panel=_PANEL),
]
LimitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="LIMIT=NUMBER",
        help=f"A limit by its name in a spec ({', '.join(each.limit for each in OBJECTIVES.values())}). "
        "Can be repeated.",
        rich_help_panel=_PANEL,
    ),
]
WeightOption = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        metavar="CRITERION=NUMBER",
        help=f"Weight of a criterion ({', '.join(CRITERIA)}). Can be repeated.",
        rich_help_panel=_PANEL,
    ),
]
PreferOption = Annotated[
    list[str] | None,
    typer.Option(
        "--prefer",
        metavar="ONE:OTHER:TIMES",
        help="How many TIMES (1 to 9) more important one criterion is than another. Can be repeated.",
        rich_help_panel=_PANEL,
    ),
]
MethodOption = Annotated[
    RankingMethod | None,
    typer.Option(
        "--method", metavar="METHOD", help="Ranking method: weighted_sum, topsis or ahp.", rich_help_panel=_PANEL
    ),
]
IgnoreSpecGoalsOption = Annotated[
    bool, typer.Option("--ignore-spec-goals", help="Ignore the goals in the job's spec.", rich_help_panel=_PANEL)
]


def goal_parameters(
    limits: dict[str, float | None],
    *,
    limit: Sequence[str] | None,
    weight: Sequence[str] | None,
    prefer: Sequence[str] | None,
    method: str | None,
    ignore_spec_goals: bool,
) -> Parameters:
    """Return the goals as parameters of the gateway's query; empty if none are given.

    Raises:
        InvalidInputError: A weight or a limit is not of the form NAME=NUMBER.
    """
    found: Parameters = {name: f"{value}" for name, value in limits.items() if value is not None}
    found |= dict(_assigned("limit", text, [each.limit for each in OBJECTIVES.values()]) for text in limit or ())
    weights = (_assigned("weight", text, CRITERIA) for text in weight or ())
    found |= {f"weight_{criterion}": number for criterion, number in weights}
    if prefer:
        found["prefer"] = list(prefer)
    if method is not None:
        found["method"] = method
    if ignore_spec_goals:
        found["spec_goals"] = "false"
    return found


def _assigned(option: str, text: str, names: Sequence[str]) -> tuple[str, str]:
    """Return the name and the number of an option's value."""
    name, separator, number = text.partition("=")
    if not separator or name not in names:
        raise InvalidInputError(
            f"--{option} {text!r} is not a {option}; accepted: {', '.join(f'{each}=NUMBER' for each in names)}"
        )
    return name, number

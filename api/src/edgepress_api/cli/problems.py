"""What can go wrong on the command line, how it is said, and the exit code it ends with.

===== ==============================================================
0     all is well
1     the job did not succeed
2     wrong use, or the gateway refused what was asked for
3     the gateway (or the stack) could not be reached, or started
===== ==============================================================
"""

from typing import Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from edgepress_common.errors import EdgepressError, FieldProblem, UnavailableError

JOB_FAILED = 1
REFUSED = 2
UNREACHABLE = 3

_LONGEST_VALUE = 200  # characters of an offending value that help more than they hide


class Problem(BaseModel):
    """An error answer of the gateway (RFC 9457): what people are shown of it."""

    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldProblem, ...] = ()


class RefusedError(EdgepressError):
    """The gateway would not do what it was asked to."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail or problem.title)


class ExplainingGroup(TyperGroup):
    """Commands whose errors are told to people, without a traceback: the edge where they become exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except EdgepressError as error:
            print_error(ctx.obj.err, error)
            raise typer.Exit(UNREACHABLE if isinstance(error, UnavailableError) else REFUSED) from error


def print_error(console: Console, error: EdgepressError) -> None:
    """Says what went wrong, with each field at fault: its value, and what is accepted."""
    if not isinstance(error, RefusedError):
        console.print(Text.assemble(("Error: ", "bold red"), str(error)))
        return
    problem = error.problem
    console.print(Text.assemble(("Refused: ", "bold red"), problem.title))
    if problem.detail and not problem.errors:
        console.print(Text(f"  {problem.detail}"))
    for field in problem.errors:
        console.print(Text.assemble("  ", (field.field, "bold"), f": {field.message}"))
        if field.value is not None:
            console.print(Text(f"    value:    {_shortened(field.value)}"))
        if field.accepted:
            console.print(Text(f"    accepted: {field.accepted}"))


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."

"""Prints errors. `exit_codes` has their exit codes."""

from typing import Any

from rich.console import Console
from rich.text import Text

from edgepress_client.cli.exit_codes import exit_code
from edgepress_client.cli.terminal import harmless_json
from edgepress_client.errors import RefusedError
from edgepress_common.errors import EdgepressError

_LONGEST_VALUE = 200  # characters of an invalid value that are shown


def print_error(console: Console, error: EdgepressError) -> None:
    """Print what is wrong, with each invalid field: its value, and what is accepted."""
    if not isinstance(error, RefusedError):
        console.print(Text.assemble(("Error: ", "bold red"), str(error)), soft_wrap=True)
        return
    problem = error.problem
    console.print(Text.assemble(("Error: ", "bold red"), problem.title))
    if problem.detail and not problem.errors:
        console.print(Text(f"  {problem.detail}"), soft_wrap=True)
    for field in problem.errors:
        console.print(Text.assemble("  ", (field.field, "bold"), f": {field.message}"))
        if field.value is not None:
            console.print(Text(f"    value:    {_shortened(field.value)}"))
        if field.accepted:
            console.print(Text(f"    accepted: {field.accepted}"))


def print_json_error(console: Console, error: EdgepressError) -> None:
    """Print an error as JSON, with the exit code and each invalid field."""
    problem = error.problem if isinstance(error, RefusedError) else None
    content = {
        "exit_code": int(exit_code(error)),
        "title": "Error" if problem is None else problem.title,
        "detail": str(error),
        "errors": [] if problem is None else [field.model_dump(mode="json") for field in problem.errors],
    }
    console.file.write(f"{harmless_json({'error': content})}\n")


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."

"""Writes docs/cli.md, the reference of all commands, from the commands themselves.

``python -m edgepress_client.cli.reference > docs/cli.md``
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from edgepress_client.cli import app
from edgepress_client.cli.exit_codes import MEANINGS

_INTRODUCTION = """\
# Command line

`edgepress` is the command line of the [client](python.md). It speaks to the gateway that `--gateway` or
`EDGEPRESS_GATEWAY` names (by default `http://127.0.0.1:8000`), with the token in `EDGEPRESS_TOKEN`.
`edgepress COMMAND -h` shows the help of a command; `edgepress --install-completion` installs completion for the shell.

- `JOB` is the id of a job, or `latest`.
- `--json` prints the result as JSON on standard output; an error is then JSON on standard error.
- Times are those of this machine's zone, which is named. In JSON they are UTC.
- A file that exists is not overwritten without `--force`.
- Characters that would control the terminal are shown as signs (`␛`), or escaped in JSON.

`.venv/bin/python -m edgepress_client.cli.reference > docs/cli.md` writes this page; a test keeps it current.
"""


def reference() -> str:
    """Return the page."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("edgepress", ["jobs"], resilient_parsing=True)
    parts = [_INTRODUCTION, "## Exit codes\n\n| code | meaning |\n|--:|---|\n"]
    parts += [f"| {code.value} | {meaning} |\n" for code, meaning in MEANINGS.items()]
    panel = None
    for name, command in _commands(group, context):
        if (found := getattr(command, "rich_help_panel", None)) not in {None, panel}:
            panel = found
            parts.append(f"\n## {panel}\n")
        parts.append(f"\n### edgepress {name}\n\n")
        parts += _described(command, context)
    return "".join(parts)


def _commands(group: Any, context: Any) -> Iterator[tuple[str, Any]]:
    """Yield each command by its name; instead of a group, the commands below it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name).load()
        if not isinstance(command, TyperGroup):
            yield name, command
            continue
        for below, found in command.commands.items():
            found.rich_help_panel = command.rich_help_panel  # type: ignore[attr-defined]  # of a TyperCommand
            yield f"{name} {below}", found


def _described(command: Any, context: Any) -> Iterator[str]:
    words = re.sub(r"^Example: `(.*)`$", r"```console\n$ \1\n```", command.help, flags=re.MULTILINE)
    yield f"{words.strip()}\n"
    yield "\n| | |\n|---|---|\n" + "".join(_row(param, context) for param in command.get_params(context))


def _row(param: Any, context: Any) -> str:
    if isinstance(param, TyperOption):
        value = (param.display_type_rich(context) or "").strip("<>").replace("|", r"\|")
        names = [f"{name} {value}".strip() for name in sorted(param.opts, key=len)]
    else:
        names = [param.display_name_raw]
    shown = param.show_default and param.default is not None and param.default is not False
    default = f" Default: `{param.default}`." if shown and not callable(param.default) else ""
    return f"| {', '.join(f'`{name}`' for name in names)} | {param.help or ''}{default} |\n"


if __name__ == "__main__":
    sys.stdout.write(reference())

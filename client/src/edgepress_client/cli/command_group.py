"""The group of all commands. Each is imported when it is called, and errors are converted to exit codes.

The server's commands join by entry points: a package that is installed next to the client names functions or `Typer`
applications in the group ``edgepress.commands``.

A list of commands needs one sentence of each. It is that of the function's docstring, which is read from the source:
importing all commands takes half a second.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import typer
from pydantic import ValidationError
from typer.core import TyperCommand, TyperGroup, TyperOption

from edgepress_client.cli.exit_codes import exit_code
from edgepress_client.cli.problems import print_error, print_json_error
from edgepress_common.errors import EdgepressError
from edgepress_common.validation_words import in_words

ENTRY_POINTS = "edgepress.commands"
_SERVER_PANEL = "Server"
_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


def _plain(params: list[Any]) -> list[Any]:
    """Return parameters whose help omits the ``<bool>`` of flags and ``<str>`` of arguments that typer adds."""
    for param in params:
        if not isinstance(param, TyperOption):
            param.display_type_rich = _no_type
        elif param.is_flag:
            param.metavar = ""
    return params


def _no_type(ctx: Any) -> None:
    """Return no type name, so that the help shows none."""


class PlainCommand(TyperCommand):
    """A command whose parameters are shown by `_plain`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """See `TyperCommand.get_params`."""
        return _plain(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See `TyperCommand.parse_args`: a value that can't be used is refused without pydantic's words."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            if isinstance(error.__cause__, ValidationError):
                error.message = in_words(error.__cause__.errors()[0])[0]
            raise


class PlainGroup(TyperGroup):
    """A group whose parameters are shown by `_plain`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """See `TyperGroup.get_params`."""
        return _plain(super().get_params(ctx))


@dataclass(frozen=True)
class LazyCommand:
    """A command that is imported on first use.

    Attributes:
        target: ``module:function``, or ``module:application`` of a `Typer` application.
        panel: The heading that it is listed under.
    """

    target: str
    panel: str

    def load(self, name: str) -> Any:
        """Import the command."""
        module, _, attribute = self.target.partition(":")
        return _command(name, getattr(import_module(module), attribute), self.panel)

    def listed(self, name: str) -> "ListedCommand":
        """Return the command as it is listed, without importing it; an application is imported."""
        summary = _summary(*self.target.split(":"))
        return ListedCommand(self, name, self.load(name).help if summary is None else summary)


class ListedCommand(TyperCommand):
    """A command by its name and one sentence of help. The rest is imported when it is called."""

    def __init__(self, lazy: LazyCommand, name: str, summary: str) -> None:
        super().__init__(name, help=summary, rich_help_panel=lazy.panel)
        self._lazy = lazy

    def load(self) -> Any:
        """Import the command."""
        return self._lazy.load(str(self.name))

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Return the context of the command itself, which then runs."""
        return self.load().make_context(info_name, args, parent=parent, **extra)


class CommandGroup(PlainGroup):
    """The group of all commands. Subclasses set `own`."""

    own: ClassVar[Mapping[str, LazyCommand]] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as the base has it
        """See `TyperGroup.list_commands`."""
        return [*self.own, *sorted(_joined().keys() - self.own.keys())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as the base has it
        """See `TyperGroup.get_command`."""
        found = self.own.get(cmd_name) or _joined().get(cmd_name)
        return None if found is None else found.listed(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """See `TyperGroup.resolve_command`: it suggests among `commands`, which are not loaded."""
        if args[0] not in self.own:
            self.commands = dict.fromkeys(self.list_commands(ctx), TyperCommand(None))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error is printed, and becomes an exit code."""
        try:
            return super().invoke(ctx)
        except EdgepressError as error:
            (print_json_error if ctx.obj.as_json else print_error)(ctx.obj.err, error)
            raise typer.Exit(exit_code(error)) from error


@cache
def _joined() -> dict[str, LazyCommand]:
    return {entry.name: LazyCommand(entry.value, _SERVER_PANEL) for entry in entry_points(group=ENTRY_POINTS)}


def _summary(module: str, function: str) -> str | None:
    """Return the first paragraph of a function's docstring from the source of its module; None if there is none."""
    spec = find_spec(module)
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    for node in ast.parse(Path(spec.origin).read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name == function and (text := ast.get_docstring(node)):
            return text.partition("\n\n")[0]
    return None


def _command(name: str, target: Any, panel: str) -> Any:
    """Return a function, or a `Typer` application with subcommands, as a command of the group."""
    app = target if isinstance(target, typer.Typer) else typer.Typer()
    app._add_completion = False  # noqa: SLF001 - that of the whole program serves all its commands
    app.pretty_exceptions_enable = False
    app.rich_markup_mode = "markdown"
    if app is not target:
        app.command(name, cls=PlainCommand, context_settings=_HELP_OPTIONS)(target)
    command: Any = typer.main.get_command(app)
    command.name, command.rich_help_panel = name, panel
    return command


def help_texts(group: Any, ctx: Any) -> Iterator[tuple[str, Any]]:
    """Yield each command by its name, including subcommands such as ``tokens create``."""
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name).load()
        yield name, command
        if isinstance(command, TyperGroup):
            yield from ((f"{name} {below}", found) for below, found in command.commands.items())

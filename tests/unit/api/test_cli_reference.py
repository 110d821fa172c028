"""Properties that all commands have in common, and the reference that is written from them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from edgepress_client import __version__
from edgepress_client.cli import app
from edgepress_client.cli.command_group import help_texts
from edgepress_client.cli.exit_codes import MEANINGS, ExitCode, NoResultError, exit_code
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.reference import reference
from edgepress_client.errors import ErrorResponse, refusal
from edgepress_common.errors import InvalidInputError, UnavailableError

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"
WIDE = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}


def commands() -> dict[str, object]:
    """Every command by its name, those of the server included."""
    group = typer.main.get_command(app)
    context = group.make_context("edgepress", ["jobs"], resilient_parsing=True)
    return {name: command for name, command in help_texts(group, context) if not hasattr(command, "commands")}


def test_the_reference_is_current() -> None:
    """Else: .venv/bin/python -m edgepress_client.cli.reference > docs/cli.md."""
    assert PAGE.read_text() == reference()


@pytest.mark.parametrize("name", commands())
def test_every_command_has_an_example_json_and_a_short_help(name: str) -> None:
    """Help shows no types of Python."""
    for flag in ("-h", "--help"):
        ran = CliRunner(env=WIDE).invoke(app, [*name.split(), flag], obj=Invocation())
        assert ran.exit_code == 0, ran.output
        assert f"edgepress {name}" in ran.output.partition("Example:")[2]
        assert "--json" in ran.output
        assert not {"<bool>", "<str>", "<int>", "<path>"} & set(ran.output.split())


def test_the_server_joins_its_commands() -> None:
    """Entry points name them: the client does not know them."""
    assert {"up", "demo", "tokens create", "jobs", "upload"} <= set(commands())


def test_the_list_shows_the_first_sentences_of_the_help() -> None:
    """The list of commands is read from their source; it says what their help begins with."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("edgepress", ["jobs"], resilient_parsing=True)
    listed = {name: group.get_command(context, name) for name in group.list_commands(context)}
    assert len(listed) >= 24
    for name, command in listed.items():
        assert command.help == command.load().help.partition("\n\n")[0].replace("\n", " "), name


def test_a_list_imports_no_command_but_groups() -> None:
    """The modules of the other commands take half a second."""
    code = "import sys; sys.argv[1:] = ['-h']; from edgepress_client.cli import app; app(standalone_mode=False); "
    code += "print(*(name for name in sys.modules if 'edgepress' in name), file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(ran.stderr.split())
    assert {"edgepress_client.cli.uploads", "edgepress_api.commands.tokens"} <= imported
    assert not {"edgepress_client.cli.jobs", "edgepress_client.connection"} & imported
    assert not {name for name in imported if name.startswith(("edgepress_common.spec", "edgepress_common.answers.j"))}


def test_the_version_is_printed() -> None:
    """The option prints only the version."""
    assert CliRunner().invoke(app, ["--version"]).output == f"edgepress {__version__}\n"


def test_a_misspelt_command_is_wrong_use() -> None:
    """The error suggests the right one."""
    ran = CliRunner(env=WIDE).invoke(app, ["jbos"], obj=Invocation())
    assert (ran.exit_code, "Did you mean 'jobs'?" in ran.output) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_are_completed(shell: str) -> None:
    """Completion works by the protocol of each shell."""
    environment = {"_EDGEPRESS_COMPLETE": f"complete_{shell}", "COMP_WORDS": "edgepress rec", "COMP_CWORD": "1"}
    environment |= {"_TYPER_COMPLETE_ARGS": "edgepress rec", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    ran = CliRunner(env=environment).invoke(app, [], prog_name="edgepress")
    assert "recommend" in ran.output
    assert "cancel" not in ran.output


def test_exit_codes_tell_errors_apart() -> None:
    """Each exit code has a documented meaning."""
    assert set(MEANINGS) == set(ExitCode)
    statuses = {401: 7, 403: 7, 404: 4, 409: 6, 413: 5, 422: 5, 429: 8, 507: 8}
    assert {s: int(exit_code(refusal(ErrorResponse(title="x", status=s)))) for s in statuses} == statuses
    assert exit_code(UnavailableError("x")) == 3
    assert exit_code(InvalidInputError("x")) == 2
    assert exit_code(NoResultError("x")) == 9

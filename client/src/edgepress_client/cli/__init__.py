"""The command line.

A file per group of commands. `invocation` is the context of a command, ``*_view`` format results, `problems` prints
errors, `exit_codes` maps errors to exit codes, `terminal` escapes control characters.
"""

from typing import Annotated

import typer

from edgepress_client.cli.command_group import CommandGroup, LazyCommand
from edgepress_client.cli.invocation import Invocation
from edgepress_common import __version__

_JOBS, _RESULTS, _DATA = "Jobs", "Results", "Data and devices"


class EdgepressCommands(CommandGroup):
    """All commands of the client."""

    own = {  # noqa: RUF012 - a ClassVar of the base
        name: LazyCommand(f"edgepress_client.cli.{target}", panel)
        for panel, targets in {
            _JOBS: {
                "templates": "templates:templates",
                "submit": "submitting:submit",
                "validate": "submitting:validate",
                "watch": "following:watch",
                "jobs": "jobs:jobs",
                "show": "jobs:show",
                "label": "jobs:label",
                "logs": "logs:logs",
                "cancel": "jobs:cancel",
                "retry": "jobs:retry",
                "extend": "trials:extend",
                "delete": "jobs:delete",
                "notify": "notifying:notify",
                "archive": "archiving:archive",
                "import": "archiving:import_",
            },
            _RESULTS: {
                "report": "reporting:report",
                "recommend": "recommending:recommend",
                "errors": "errors:errors",
                "trials": "trials:trials",
                "compare": "comparing:compare",
                "comparisons": "comparing:comparisons",
                "unpin": "comparing:unpin",
                "open": "opening:open_",
                "bundle": "bundling:bundle",
                "pull": "pulling:pull",
                "decode": "decoding:decode",
                "tensorboard": "tracking:tensorboard",
                "mlflow": "tracking:mlflow",
            },
            _DATA: {
                "upload": "uploading:upload",
                "samples": "samples:samples",
                "datasets": "uploads:datasets",
                "models": "uploads:models",
                "devices": "devices:devices",
                "latency-model": "devices:latency_model",
            },
        }.items()
        for name, target in targets.items()
    }


app = typer.Typer(
    name="edgepress",
    help="Compress image classifiers for small boards, measure them on the board, and compare.",
    epilog="Exit codes: 0 success; 1 the job did not succeed; 2 usage error; 3 gateway unavailable; 4 not found; "
    "5 invalid request; 6 conflict; 7 not allowed; 8 quota exceeded; 9 nothing to show. See docs/cli.md.",
    cls=EdgepressCommands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _print_version(value: bool) -> None:  # noqa: FBT001 - typer's call
    if value:
        typer.echo(f"edgepress {__version__}")
        raise typer.Exit


@app.callback()
def _prepare(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    context.ensure_object(Invocation)


def main() -> None:
    """Run the command line."""
    app()

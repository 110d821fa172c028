"""The command line: a client of the gateway like any other, and what starts the whole on one machine.

A file per group of commands; `client` speaks with the gateway, `invocation` is what commands work with, ``*_view`` draw
what they show, `problems` turns errors into words and exit codes.
"""

import typer

from edgepress_api.cli.bundling import bundle
from edgepress_api.cli.comparing import compare
from edgepress_api.cli.demo import demo
from edgepress_api.cli.devices import devices
from edgepress_api.cli.following import watch
from edgepress_api.cli.invocation import Invocation
from edgepress_api.cli.jobs import cancel, jobs, retry, show
from edgepress_api.cli.opening import open_
from edgepress_api.cli.problems import ExplainingGroup
from edgepress_api.cli.pulling import pull
from edgepress_api.cli.recommending import recommend
from edgepress_api.cli.reporting import report
from edgepress_api.cli.submitting import submit, validate
from edgepress_api.cli.tokens import tokens
from edgepress_api.cli.tracking import mlflow, tensorboard
from edgepress_api.cli.up import up

app = typer.Typer(
    name="edgepress",
    help="Compress image classifiers for small boards, measure them there, and compare.",
    epilog="Exit codes: 0 all is well; 1 the job did not succeed; 2 wrong use, or refused; 3 no gateway answers.",
    cls=ExplainingGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


@app.callback()
def _prepare(context: typer.Context) -> None:
    context.ensure_object(Invocation)


for _panel, _commands in {
    "On this machine": (up, demo),
    "Jobs": (submit, validate, watch, jobs, show, cancel, retry),
    "What they gave": (report, recommend, compare, open_, bundle, pull),
    "For other programs": (tensorboard, mlflow),
    "Devices": (devices,),
}.items():
    for _command in _commands:
        app.command(_command.__name__.rstrip("_"), rich_help_panel=_panel)(_command)

app.add_typer(tokens, name="tokens", rich_help_panel="On the server")

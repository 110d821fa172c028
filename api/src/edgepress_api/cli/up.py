"""`edgepress up`."""

import signal
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from edgepress_api.cli import invocation
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.stack import running_stack
from edgepress_api.one_machine.supervisor import Say

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def up(
    context: typer.Context,
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Where the gateway listens (127.0.0.1).")
    ] = 8000,
) -> None:
    """Run gateway, scheduler, worker and evaluator on this machine, until Ctrl-C."""
    out = invocation.of(context).out
    out.print("Starting Edgepress ...")
    interrupt_on_signals()
    try:
        with running_stack(OneMachineSettings(), port, narrator(out)) as stack:
            out.print(f"Edgepress is ready at {stack.url}")
            out.print(f"  everything it writes, logs included, is in {stack.folder.root}")
            out.print("  post a job with: edgepress submit SPEC --watch      stop with Ctrl-C")
            stack.supervisor.wait()
    except KeyboardInterrupt:
        out.print("Edgepress has stopped. What was under way goes on at the next start.")


def interrupt_on_signals() -> None:
    """Makes SIGTERM end this program as Ctrl-C does: in order. Further signals while it ends change nothing."""

    def interrupt(*_: object) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, interrupt)


def narrator(console: Console) -> Say:
    """Tells on a console what happens to the stack's processes."""

    def say(sentence: str) -> None:
        console.print(Text(sentence, style="yellow"), soft_wrap=True)

    return say

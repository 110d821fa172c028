"""`edgepress up`."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from edgepress_api.cli import invocation
from edgepress_api.cli.signals import interrupting_signals
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.stack import running_stack
from edgepress_api.one_machine.supervisor import Say


def up(
    context: typer.Context,
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Where the gateway listens (127.0.0.1).")
    ] = 8000,
) -> None:
    """Run gateway, scheduler, worker and evaluator on this machine, until Ctrl-C.

    Everything is kept in .edgepress, or the folder that EDGEPRESS_HOME names. Data sets may lie anywhere on this
    machine; EDGEPRESS_DATASET_ROOTS, a JSON list of folders, narrows that. Only this machine is listened to.
    """
    out = invocation.of(context).out
    out.print("Starting Edgepress ...")
    try:
        with interrupting_signals(), running_stack(OneMachineSettings(), port, narrator(out)) as stack:
            out.print(f"Edgepress is ready at {stack.url}")
            out.print(f"  everything it writes, logs included, is in {stack.folder.root}")
            out.print(f"  post a job with: edgepress submit SPEC --watch --gateway {stack.url}")
            out.print("  stop with: Ctrl-C")
            stack.supervisor.wait()
    except KeyboardInterrupt:
        out.print("Edgepress has stopped. What was under way goes on at the next start.")


def narrator(console: Console) -> Say:
    """Tells on a console what happens to the stack's processes."""

    def say(sentence: str) -> None:
        console.print(Text(sentence, style="yellow"), soft_wrap=True)

    return say

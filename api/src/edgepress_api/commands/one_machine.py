"""Run `edgepress up`: all processes of Edgepress on this machine."""

from rich.console import Console
from rich.text import Text

from edgepress_api.commands.signals import interrupting_signals
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.stack import running_stack
from edgepress_api.one_machine.supervisor import Say
from edgepress_client.cli.invocation import Invocation


def run(here: Invocation, port: int, *, as_json: bool) -> None:
    """Run the processes until Ctrl-C.

    Args:
        here: The invocation, whose consoles report that they are ready.
        port: The port of the gateway, 1 to 65535.
        as_json: Whether the report is JSON.
    """
    here.note("Starting Edgepress ...")
    try:
        with interrupting_signals(), running_stack(OneMachineSettings.read(), port, narrator(here.err)) as stack:
            if as_json:
                here.print_json({"url": stack.url, "folder": str(stack.folder.root)})
                here.out.file.flush()
            else:
                here.say(f"Edgepress is ready at {stack.url}")
                here.say(f"  everything it writes, logs included, is in {stack.folder.root}")
                here.say(f"  submit a job with: edgepress submit SPEC --watch --gateway {stack.url}")
                here.say(f"  open the dashboard with: edgepress open --dashboard --gateway {stack.url}")
                here.say(
                    f"  other programs need the token in {stack.folder.root / 'token'}, which ends with this stack"
                )
                here.say("  stop with: Ctrl-C")
            stack.supervisor.wait()
    except KeyboardInterrupt:
        here.note("Edgepress has stopped. Running steps continue at the next start.")


def narrator(console: Console) -> Say:
    """Return a function that prints events of the processes."""

    def say(sentence: str) -> None:
        console.print(Text(sentence, style="yellow"), soft_wrap=True)

    return say

"""Run `edgepress demo`: a complete job on this machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import typer
from rich.text import Text

from edgepress_api.commands.one_machine import narrator
from edgepress_api.commands.signals import interrupting_signals
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.stack import running_stack
from edgepress_api.one_machine.state_folder import StackRunningError
from edgepress_client.cli.exit_codes import ExitCode
from edgepress_client.cli.following import show_to_the_end
from edgepress_client.cli.formats import duration
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.pulling import pull_models
from edgepress_client.cli.verdict import verdict
from edgepress_client.client import Client
from edgepress_client.job import Job
from edgepress_client.specs import SpecDocument
from edgepress_common.local_token import local_token


def demonstrate(here: Invocation, *, as_json: bool) -> None:
    """Run the demo's job on the stack of this machine, which is started and stopped if it is not running.

    Args:
        here: Where to show it.
        as_json: Whether to print the report alone, as JSON.

    Raises:
        typer.Exit: The job did not succeed, or the user pressed Ctrl-C.
    """
    settings = OneMachineSettings.read()
    moments = [time.monotonic()]
    if not as_json:
        here.out.print(Text("Edgepress demo: a ResNet18 for handwritten digits, compressed four ways", "bold"))
    try:
        with interrupting_signals(), _gateway(here, settings) as client:
            moments.append(time.monotonic())
            job = client.jobs.submit(demo_spec())
            here.note(f"Submitted a job to {client.url}/v1/jobs: {job.id}\n")
            if as_json:
                if job.wait().state != "succeeded":
                    raise typer.Exit(ExitCode.JOB_FAILED)
                here.print_json(job.report())
                return
            show_to_the_end(here, job)
            moments.append(time.monotonic())
            _conclude(here, job, settings.home / "demo")
    except KeyboardInterrupt:
        here.note("Stopped. Started again, the demo continues from what is finished.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    moments.append(time.monotonic())
    start, took, rest = (duration(end - begin) for begin, end in pairwise(moments))
    here.out.print(f"Took {start} to start, {took} for the job, {rest} to download the files and stop.")
    here.out.print("Next: 'make up' keeps it running, and 'edgepress submit SPEC --watch' submits a job of your own.")


def demo_spec() -> SpecDocument:
    """Return the spec of the demo's job."""
    return SpecDocument(files("edgepress_api.commands").joinpath("demo.yaml").read_bytes(), "application/yaml")


def _conclude(here: Invocation, job: Job, folder: Path) -> None:
    """Print a summary of the results, and the paths of the files."""
    for sentence in verdict(job.report()):
        here.out.print(f"  {sentence}")
    models = pull_models(job, folder, overwrite=True)
    report = folder / "report.html"
    report.write_bytes(job.report_document("html"))
    here.out.print("\nReport and models:")
    for file in (report, *(folder / model for model in models)):
        here.say(f"  {file}")


@contextmanager
def _gateway(here: Invocation, settings: OneMachineSettings) -> Iterator[Client]:
    """Connect to the gateway of the stack that runs in the folder, or of one that lasts as long as the block."""
    try:
        here.note(f"Starting gateway, scheduler, worker and evaluator in {settings.home} ...")
        with running_stack(settings, None, narrator(here.err)) as stack, here.gateway(stack.url, stack.token) as client:
            yield client
            here.note("Stopping ...")
    except StackRunningError as running:
        if running.url is None:
            raise
        here.note(f"Edgepress runs there already, at {running.url}: using that")
        with here.gateway(running.url, local_token(running.url)) as client:
            yield client

"""`edgepress demo`: the whole of Edgepress, once, on this machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import typer
from rich.text import Text

from edgepress_api.cli import invocation
from edgepress_api.cli.client import GatewayClient, SpecDocument
from edgepress_api.cli.following import show_to_the_end
from edgepress_api.cli.formats import duration
from edgepress_api.cli.invocation import Invocation
from edgepress_api.cli.pulling import pull_models
from edgepress_api.cli.signals import interrupting_signals
from edgepress_api.cli.up import narrator
from edgepress_api.cli.verdict import verdict
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.stack import running_stack
from edgepress_api.one_machine.state_folder import StackRunningError

_INTERRUPTED = 130  # what shells report for a program that Ctrl-C ended


def demo(context: typer.Context) -> None:
    """Train a network, compress it four ways, measure and compare: a few minutes; seconds when done before."""
    here = invocation.of(context)
    settings = OneMachineSettings()
    moments = [time.monotonic()]
    here.out.print(Text("Edgepress demo: a ResNet18 for handwritten digits, compressed four ways", "bold"))
    try:
        with interrupting_signals(), _gateway(here, settings) as client:
            moments.append(time.monotonic())
            job_id = client.submit(_spec())
            here.out.print(f"Posted a job to {client.url}/v1/jobs: {job_id}\n")
            show_to_the_end(here, client, job_id)
            moments.append(time.monotonic())
            _conclude(here, client, job_id, settings.home / "demo")
    except KeyboardInterrupt:
        here.err.print("Stopped. Started again, the demo goes on from what is finished.")
        raise typer.Exit(_INTERRUPTED) from None
    moments.append(time.monotonic())
    start, job, rest = (duration(end - begin) for begin, end in pairwise(moments))
    here.out.print(f"Took {start} to start, {job} for the job, {rest} to fetch the files and stop.")
    here.out.print("Next: 'make up' keeps it running, and 'edgepress submit SPEC --watch' posts a job of your own.")


def _conclude(here: Invocation, client: GatewayClient, job_id: str, folder: Path) -> None:
    """Says what the figures say, and where the files are."""
    for sentence in verdict(client.report(job_id)):
        here.out.print(f"  {sentence}")
    models = pull_models(client, job_id, folder)
    report = folder / "report.html"
    report.write_bytes(client.report_document(job_id, "html"))
    here.out.print("\nReport and models:")
    for file in (report, *(folder / model for model in models)):
        here.out.print(f"  {file}", soft_wrap=True)


@contextmanager
def _gateway(here: Invocation, settings: OneMachineSettings) -> Iterator[GatewayClient]:
    """A gateway: that of the stack which runs in the folder already, else of one that lasts as long as the block."""
    try:
        here.out.print(f"Starting gateway, scheduler, worker and evaluator in {settings.home} ...")
        with running_stack(settings, None, narrator(here.out)) as stack, here.gateway(stack.url) as client:
            yield client
            here.out.print("Stopping ...")
    except StackRunningError as running:
        if running.url is None:
            raise
        here.out.print(f"Edgepress runs there already, at {running.url}: using that")
        with here.gateway(running.url) as client:
            yield client


def _spec() -> SpecDocument:
    return SpecDocument(files("edgepress_api.cli").joinpath("demo.yaml").read_bytes(), "application/yaml")

"""`edgepress demo`: the whole of Edgepress, once, on this machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import typer
from rich.text import Text

from edgepress_api.cli import invocation
from edgepress_api.cli.client import GatewayClient, SpecDocument
from edgepress_api.cli.following import watch_to_the_end
from edgepress_api.cli.formats import duration
from edgepress_api.cli.invocation import Invocation
from edgepress_api.cli.pulling import pull_models
from edgepress_api.cli.up import end_like_ctrl_c, narrator
from edgepress_api.cli.verdict import verdict
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.stack import running_stack
from edgepress_api.one_machine.state_folder import StackRunningError


def demo(context: typer.Context) -> None:
    """Train a network, export it every way, measure and compare: a few minutes; seconds when done before."""
    here = invocation.of(context)
    end_like_ctrl_c()
    settings = OneMachineSettings()
    began = time.monotonic()
    here.out.print(Text("Edgepress demo: handwritten digits, ResNet18, every export, measured on this machine", "bold"))
    with _gateway(here, settings) as client:
        ready = time.monotonic()
        job_id = client.submit(_spec())
        here.out.print(f"Posted demo.yaml to {client.url}/v1/jobs like any client: {job_id}\n")
        watch_to_the_end(here, client, job_id)
        done = time.monotonic()
        for line in verdict(client.report(job_id)):
            here.out.print(f"  {line}")
        folder = settings.home / "demo"
        models = pull_models(client, job_id, folder)
        (folder / "report.html").write_bytes(client.report_document(job_id, "html"))
        here.out.print(f"\nReport:  {folder / 'report.html'}")
        here.out.print(f"Models:  {', '.join(str(model) for model in models)}")
    stopped = time.monotonic()
    here.out.print(
        f"Took {duration(stopped - began)}: {duration(ready - began)} to start, {duration(done - ready)} for the job, "
        f"{duration(stopped - done)} to fetch and stop."
    )
    here.out.print("Next: make up keeps it running; edgepress submit SPEC --watch posts a job of your own.")


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

"""`edgepress tensorboard` and `mlflow`: what a job found, for programs that people track trainings with."""

from pathlib import Path
from typing import Annotated

import httpx
import typer

from edgepress_api.cli import invocation
from edgepress_api.cli.invocation import GatewayOption, JobArgument
from edgepress_api.cli.settings import MlflowSettings
from edgepress_api.tracking.mlflow import MlflowServer
from edgepress_api.tracking.tensorboard import write_event_files
from edgepress_common.errors import InvalidInputError, NotFoundError

_TIMEOUT_SECONDS = 60.0


def tensorboard(
    context: typer.Context,
    job: JobArgument = "latest",
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Where to; else logs/ and the job's id.")
    ] = None,
    gateway: GatewayOption = None,
) -> None:
    """Write the curves of a job's trainings as files that TensorBoard opens. Can be repeated as the job goes on."""
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        job_id = client.find(job)
        folder = to or Path("logs", job_id)
        try:
            written = write_event_files(client.report(job_id), folder)
        except OSError as error:
            raise InvalidInputError(f"can't write to {folder}: {error.strerror}") from error
    if not written:
        raise NotFoundError(f"{job_id} has trained nothing to its end yet")
    for place in written:
        here.out.print(str(folder / place), soft_wrap=True)
    here.err.print(f"see them with: tensorboard --logdir {folder.parent if to is None else folder}", soft_wrap=True)


def mlflow(context: typer.Context, job: JobArgument = "latest", gateway: GatewayOption = None) -> None:
    """Write a job that has ended to an MLflow tracking server, at EDGEPRESS_MLFLOW_URL."""
    here = invocation.of(context)
    settings = MlflowSettings()
    if settings.mlflow_url is None:
        raise InvalidInputError(
            "EDGEPRESS_MLFLOW_URL is not set; accepted: the address of an MLflow tracking server, http://host:5000"
        )
    token = settings.mlflow_token
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    with (
        here.gateway(gateway) as client,
        httpx.Client(
            base_url=settings.mlflow_url, headers=headers, timeout=_TIMEOUT_SECONDS, transport=here.transport
        ) as http,
    ):
        job_id = client.find(job)
        address = f"{client.url}/v1/jobs/{job_id}/report"
        exported = MlflowServer(http).export(client.report(job_id), settings.mlflow_experiment, address=address)
    said = f"{exported.runs} runs" if exported.runs else "there already"
    here.out.print(f"{job_id}: {said}, in {settings.mlflow_experiment} as {exported.run_id}", soft_wrap=True)

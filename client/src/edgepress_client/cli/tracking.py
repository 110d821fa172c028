"""`edgepress tensorboard` and `mlflow`: export of a job's curves and figures to experiment trackers."""

from pathlib import Path
from typing import Annotated

import httpx
import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.invocation import GatewayOption, JobArgument, JsonOption
from edgepress_client.settings import setting
from edgepress_client.tracking.mlflow import MlflowServer
from edgepress_client.tracking.tensorboard import write_event_files
from edgepress_common.errors import InvalidInputError, NotFoundError

_TIMEOUT_SECONDS = 60.0
_EXPERIMENT = "edgepress"


def tensorboard(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Output folder (default: logs/ and the job's id).")
    ] = None,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Write the training curves of a job as files for TensorBoard. Run it again to add new curves of a running job.

    Example: `edgepress tensorboard latest --to logs/latest`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        folder = to or Path("logs", found.id)
        try:
            written = write_event_files(found.report(), folder)
        except OSError as error:
            raise InvalidInputError(f"can't write to {folder}: {error.strerror}") from error
    if not written:
        raise NotFoundError(f"{found.id} has no finished training yet")
    result = {"folder": str(folder), "runs": [str(place) for place in written]}
    here.show(result, *(str(folder / place) for place in written), as_json=json_)
    here.note(f"open them with: tensorboard --logdir {folder.parent if to is None else folder}")


def mlflow(
    context: typer.Context, job: JobArgument = "latest", *, json_: JsonOption = False, gateway: GatewayOption = None
) -> None:
    """Write a job that has ended to the MLflow tracking server that EDGEPRESS_MLFLOW_URL names.

    Example: `EDGEPRESS_MLFLOW_URL=http://127.0.0.1:5000 edgepress mlflow latest`
    """
    here = invocation.of(context)
    experiment = setting("mlflow_experiment") or _EXPERIMENT
    with here.gateway(gateway) as client, _mlflow_http(here) as http:
        found = client.jobs.get(job)
        address = f"{client.url}/v1/jobs/{found.id}/report"
        exported = MlflowServer(http).export(found.report(), experiment, address=address)
    written = f"{exported.runs} runs" if exported.runs else "already written"
    result = {"experiment": experiment, "run_id": exported.run_id, "runs": exported.runs}
    here.show(result, f"{found.id}: {written}, in {experiment} as {exported.run_id}", as_json=json_)


def _mlflow_http(here: invocation.Invocation) -> httpx.Client:
    url, token = setting("mlflow_url"), setting("mlflow_token")
    if url is None or not url.startswith(("http://", "https://")):
        value = "is not set" if url is None else f"is {url!r}, which is not an address"
        raise InvalidInputError(
            f"EDGEPRESS_MLFLOW_URL {value}; accepted: the address of an MLflow tracking server, http://host:5000"
        )
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_SECONDS, transport=here.transport)

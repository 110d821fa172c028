"""`edgepress archive` and `edgepress import`."""

from pathlib import Path
from typing import Annotated

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.formats import size
from edgepress_client.cli.invocation import ForceOption, GatewayOption, JobArgument, JsonOption
from edgepress_client.cli.uploading import upload_progress


def archive(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Output file (default: the job's id with .zip).")
    ] = None,
    images: Annotated[
        bool, typer.Option("--images", help="Include the images of the data set, as arrays, which may be large.")
    ] = False,
    force: ForceOption = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Download a job that has ended, with its results and files, as a zip for another server.

    Example: `edgepress archive latest --to blood-cells.zip`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        target = found.download_archive(to or Path(f"{found.id}.zip"), images=images, overwrite=force)
    size_bytes = target.stat().st_size
    result = {"file": str(target), "size_bytes": size_bytes, "job": found.id}
    here.show(result, f"{target}  {size(size_bytes)}", as_json=json_)


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive of a job, from edgepress archive.")],
    *,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Import a job of another server from its archive. Its steps do not run here.

    Example: `edgepress import blood-cells.zip`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client, upload_progress(here) as sent:
        view = client.jobs.import_archive(file, sent=sent)
    origin = "" if view.imported is None else f", {view.imported.job_id} of {view.imported.server}"
    here.show(view.model_dump(mode="json"), f"{view.id}  {view.name}{origin}", as_json=json_)

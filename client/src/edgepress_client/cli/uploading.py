"""`edgepress upload`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from edgepress_client.cli import invocation
from edgepress_client.cli.formats import size
from edgepress_client.cli.invocation import GatewayOption, Invocation, JsonOption
from edgepress_client.sending import Sent
from edgepress_common.answers.uploads import DatasetView, ModelView

_MODEL_ENDINGS = (".keras", ".h5")  # the gateway refuses .h5, with a message that names the accepted format


def upload(
    context: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Folder of class folders, zip or tar of such, or .keras file.")
    ],
    *,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name for people (default: the file's name).")
    ] = None,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Upload a data set or a Keras model, and print the lines of a spec that use it.

    Example: `edgepress upload images/ --name "blood cells"`
    """
    here = invocation.of(context)
    view: DatasetView | ModelView
    with here.gateway(gateway) as client, upload_progress(here) as sent:
        if path.suffix in _MODEL_ENDINGS:
            view = client.models.upload(path, name=name, sent=sent)
        else:
            view = client.datasets.upload(path, name=name, sent=sent)
    if json_:
        here.print_json(view)
        return
    here.note(f"uploaded {view.name}, {size(view.size_bytes)}; in a spec:")
    if isinstance(view, ModelView):
        pixels = "0_to_255" if view.scales_pixels else "RANGE"
        here.say(f"model: {{architecture: uploaded, sha256: {view.sha256}, pixels: {pixels}}}")
    else:
        here.say(f"dataset: {{kind: upload, sha256: {view.sha256}, image_size: 64}}")


@contextmanager
def upload_progress(here: Invocation) -> Iterator[Sent]:
    """Show a progress bar if the output is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = here.err.is_terminal and not here.as_json
    with Progress(*columns, TimeRemainingColumn(), console=here.err, transient=True, disable=not shown) as bar:
        task = bar.add_task("uploading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

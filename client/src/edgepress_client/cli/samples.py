"""`edgepress samples`."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edgepress_client.cli import invocation
from edgepress_client.cli.invocation import ForceOption, GatewayOption, JsonOption
from edgepress_client.cli.saving_images import ImagesOption, TopOption, save_images
from edgepress_client.jobs import LATEST
from edgepress_common.answers.report import DatasetSummary
from edgepress_common.answers.samples import PackSplit, Samples

_BAR = 24  # characters


def samples(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="JOB|SHA256", help="Job id, 'latest', or SHA-256 of an uploaded data set.")
    ] = LATEST,
    *,
    split: Annotated[PackSplit, typer.Option("--split", help="Split of the images.")] = "train",
    class_name: Annotated[
        str | None, typer.Option("--class", metavar="NAME", help="Only images of this class (default: all in turn).")
    ] = None,
    top: TopOption = 24,
    to: ImagesOption = None,
    force: ForceOption = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Show the classes of a data set, what to look at before trusting a result, and save sample images.

    Example: `edgepress samples latest --split validation --to samples/`
    """
    here = invocation.of(context)
    query = {"split": split, "page_size": str(top)} | ({} if class_name is None else {"class_name": class_name})
    with here.gateway(gateway) as client:
        name = client.jobs.get(source).id if source == LATEST else source
        found = client.datasets.samples(name, query)
        if to is not None and found.images_sha256 is not None and found.dataset is not None:
            labels = [(image.index, found.dataset.classes[image.label]) for image in found.images]
            save_images(client, found.images_sha256, labels, to / split, overwrite=force)
    here.show(found, *_parts(found), as_json=json_)
    if to is not None and found.images and not json_:
        here.note(f"{len(found.images)} of {found.total} images saved to {to / split}")


def _parts(found: Samples) -> Iterator[RenderableType]:
    if found.dataset is not None:
        yield _classes(found.dataset)
    if found.folders:
        table = Table("folder", "images", box=None, pad_edge=False)
        for each in found.folders:
            table.add_row(each.folder, str(each.images))
        yield table
    yield from (Text(f"- {warning}") for warning in found.warnings)
    if found.note is not None:
        yield Text(found.note)


def _classes(dataset: DatasetSummary) -> Table:
    counts = {"train": dataset.train_counts, "validation": dataset.validation_counts}
    if dataset.test_counts is not None:
        counts["test"] = dataset.test_counts
    table = Table("class", *counts, "", box=None, pad_edge=False)
    most = max(dataset.train_counts)
    for label, name in enumerate(dataset.classes):
        bar = "\N{FULL BLOCK}" * max(1, round(_BAR * dataset.train_counts[label] / most))
        table.add_row(Text(name), *(str(each[label]) for each in counts.values()), bar)
    return table

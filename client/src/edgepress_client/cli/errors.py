"""`edgepress errors`."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edgepress_client.cli import invocation
from edgepress_client.cli.invocation import ForceOption, GatewayOption, JobArgument, JsonOption
from edgepress_client.cli.saving_images import ImagesOption, TopOption, save_images
from edgepress_common.answers.file_errors import ErrorImage, FileErrors, ImageAnswer, Selection
from edgepress_common.answers.report import Report
from edgepress_common.errors import NotFoundError
from edgepress_common.figures.figure import Split

_WORDS: Mapping[Selection, str] = {
    "wrong": "{file} is wrong on {total} of {images} {split} images",
    "differs": "{file} and {other} answer differently for {total} of {images} {split} images",
    "lost": "{other} is right and {file} is wrong on {total} of {images} {split} images",
    "gained": "{file} is right and {other} is wrong on {total} of {images} {split} images",
}


def errors(
    context: typer.Context,
    job: JobArgument = "latest",
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="As in the report: 'PCQAT int8', or SHA-256 (default: recommended)."),
    ] = None,
    *,
    selection: Annotated[
        Selection,
        typer.Option("--show", help="Images that are wrong, or whose answer differs, is lost or gained."),
    ] = "wrong",
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="FILE", help="File to compare with (default: float32, not compressed)."),
    ] = None,
    split: Annotated[
        Split, typer.Option("--split", help="Split of the images; the test split when the job has ended.")
    ] = "validation",
    true_class: Annotated[
        str | None, typer.Option("--true", metavar="CLASS", help="Only images of this class.")
    ] = None,
    predicted_class: Annotated[
        str | None, typer.Option("--predicted", metavar="CLASS", help="Only images that are taken for this class.")
    ] = None,
    top: TopOption = 24,
    to: ImagesOption = None,
    force: ForceOption = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Show the images that a file classifies wrongly, or that compression has lost.

    Example: `edgepress errors latest "PCQAT int8" --show lost --to lost/`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        found_job = client.jobs.get(job)
        report = found_job.report()
        asked = {
            "selection": selection,
            "split": split,
            "page_size": str(top),
            "against": None if against is None else _sha256_of(report, against),
            "true_class": true_class,
            "predicted_class": predicted_class,
        }
        query = {name: value for name, value in asked.items() if value is not None}
        found = found_job.errors(_recommended(report) if file is None else _sha256_of(report, file), query)
        if to is not None:
            names = [(image.index, _file_words(found, image)) for image in found.images]
            save_images(client, found.images_sha256, names, to, overwrite=force)
    here.show(found, *_parts(found), as_json=json_)
    if to is not None and not json_:
        here.note(f"{len(found.images)} of {found.total} images saved to {to}")


def _sha256_of(report: Report, file: str) -> str:
    names = {f"{row.pipeline} {row.export_name}": row.model_sha256 for row in report.rows}
    if file in names:
        return names[file]
    if file in names.values():
        return file
    raise NotFoundError(
        f"{report.job.id} has no measured file {file!r}; accepted: {', '.join(names) or 'none yet'}, or a SHA-256"
    )


def _recommended(report: Report) -> str:
    devices = () if report.recommendation is None else report.recommendation.devices
    for purpose in (purpose for device in devices for purpose in device.purposes):
        return purpose.choice.model_sha256
    raise NotFoundError(f"{report.job.id} has no recommended file; name a file of its report")


def _parts(found: FileErrors) -> Iterator[RenderableType]:
    other = "" if found.against is None else found.against.name
    words = _WORDS[found.selection].format(
        file=found.file.name,
        other=other,
        total=sum(found.by_class),
        images=sum(map(sum, found.confusion)),
        split=found.split,
    )
    yield Text(f"{words}, measured on {found.device}.", style="bold")
    by_class = Table("class", "images", "shown", box=None, pad_edge=False)
    for name, counts, shown in zip(found.classes, found.confusion, found.by_class, strict=True):
        by_class.add_row(Text(name), str(sum(counts)), str(shown))
    yield by_class
    if found.images:
        yield _images(found)
    if found.note:
        yield Text(found.note)


def _images(found: FileErrors) -> Table:
    compared = () if found.against is None else (f"by {found.against.name}",)
    table = Table("image", "true class", f"by {found.file.name}", *compared, box=None, pad_edge=False)
    for image in found.images:
        others = () if image.other is None else (_answer(found, image.other),)
        table.add_row(str(image.index), Text(found.classes[image.label]), _answer(found, image.file), *others)
    return table


def _answer(found: FileErrors, answer: ImageAnswer) -> Text:
    if answer.predicted is None:
        return Text("wrong")
    scores = "" if answer.score is None else f" {answer.score:.3f}, true class {answer.true_score:.3f}"
    return Text(f"{found.classes[answer.predicted]}{scores}")


def _file_words(found: FileErrors, image: ErrorImage) -> str:
    taken = "" if image.file.predicted is None else f"-as-{found.classes[image.file.predicted]}"
    return f"{found.classes[image.label]}{taken}"

"""`edgepress pull`: downloads the models of a job, with everything that is needed to use them on a device."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.c_sources import write_c_sources
from edgepress_client.cli.formats import size
from edgepress_client.cli.invocation import ForceOption, GatewayOption, JobArgument, JsonOption
from edgepress_client.files import check_absent, whole_file
from edgepress_client.job import Job
from edgepress_common.answers.jobs import JobView, StepDetail, StepView
from edgepress_common.artifacts import ArtifactRef
from edgepress_common.bundle_files import DECODER, decoder_py
from edgepress_common.bundle_files.joining import JOINED, join_coded_files
from edgepress_common.bundle_files.preprocessing import LABELS, PREPROCESSING, labels_txt, preprocessing_json
from edgepress_common.errors import InvalidInputError, NotFoundError
from edgepress_common.results import ExportResult, PackResult


def pull(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Output folder (default: the job's id).")
    ] = None,
    coded: Annotated[
        bool, typer.Option("--coded", help="Download coded files (.epz), which are smaller, with their decoder.")
    ] = False,
    one_file: Annotated[
        bool,
        typer.Option(
            "--one-file", help=f"Join the coded files into {JOINED}, with parts that models share stored once."
        ),
    ] = False,
    as_c: Annotated[
        bool,
        typer.Option("--c-source", help="Write each model as C source (.h, .c) for microcontrollers, not as .tflite."),
    ] = False,
    force: ForceOption = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Download the models of a job, with labels.txt and preprocessing.json.

    Example: `edgepress pull latest --to models`
    """
    here = invocation.of(context)
    if as_c and (coded or one_file):
        raise InvalidInputError("--c-source can't be combined with --coded or --one-file; accepted: one of them")
    with here.job(job, gateway) as found:
        folder = to or Path(found.id)
        models = pull_models(found, folder, coded=coded or one_file, overwrite=force)
        if one_file:
            models = [_join(models, folder, overwrite=force)]
        if as_c:
            sources = write_c_sources(models, folder, overwrite=force)
            _remove(models, folder)
            models = sources
    files = {folder / model: f"  {size((folder / model).stat().st_size)}" for model in models}
    files |= {folder / name: "" for name in _names(coded=coded or one_file)}
    result = {"folder": str(folder), "files": list(map(str, files))}
    here.show(result, *(f"{file}{words}" for file, words in files.items()), as_json=json_)


def pull_models(job: Job, folder: Path, *, coded: bool = False, overwrite: bool) -> list[Path]:
    """Download the models that a job has so far.

    Args:
        job: The job.
        folder: Output folder: ``<pipeline>/<export>.tflite``, ``labels.txt`` (a class per line, in output order)
            and ``preprocessing.json`` (a `Preprocessing`).
        coded: Whether models are downloaded as coded files, ``<pipeline>/<export>.epz``, with ``decode.py``, which
            restores them.
        overwrite: Whether existing files are replaced.

    Returns:
        The models' paths, relative to the folder.

    Raises:
        NotFoundError: The job has no finished export yet, or ``coded`` is True and an export has no coded file.
        FileExistsAlreadyError: One of the files exists, and ``overwrite`` is False.
    """
    view = job.view()
    exports = {path: job.step(step.key) for path, step in _exports(view)}
    if not exports:
        raise NotFoundError(f"{job.id} has no finished export yet")
    files = [path.with_suffix(".epz") if coded else path for path in exports]
    check_absent(*(folder / name for name in (*map(str, files), *_names(coded=coded))), overwrite=overwrite)
    artifacts = [_artifact(path, step, coded=coded) for path, step in exports.items()]
    for file, artifact in zip(files, artifacts, strict=True):
        job.download_artifact(artifact, folder / file, overwrite=overwrite)
    models = {
        path.as_posix(): step.result.tensors if isinstance(step.result, ExportResult) else None
        for path, step in exports.items()
    }
    pack, image_size = _pack(job, view), job.spec().dataset.image_size
    (folder / PREPROCESSING).write_text(preprocessing_json(models, image_size=image_size, grey_bits=pack.grey_bits))
    (folder / LABELS).write_text(labels_txt(pack.classes))
    if coded:
        (folder / DECODER).write_text(decoder_py())
    return files


def _join(models: list[Path], folder: Path, *, overwrite: bool) -> Path:
    """Join the coded files of models, which are removed; return the path of the joined file."""
    check_absent(folder / JOINED, overwrite=overwrite)
    with whole_file(folder / JOINED) as target:
        join_coded_files({path.with_suffix(".tflite").as_posix(): folder / path for path in models}, target)
    _remove(models, folder)
    return Path(JOINED)


def _remove(models: list[Path], folder: Path) -> None:
    """Remove models of which something else has been made."""
    for path in models:
        (folder / path).unlink()
    for each in {path.parent for path in models}:
        with suppress(OSError):  # a folder with other files is kept
            (folder / each).rmdir()


def _names(*, coded: bool) -> tuple[str, ...]:
    """Return the names of the files next to the models."""
    return (LABELS, PREPROCESSING, DECODER) if coded else (LABELS, PREPROCESSING)


def _artifact(path: Path, export: StepDetail, *, coded: bool) -> ArtifactRef:
    assert export.outputs is not None, "a step that succeeded has outputs"
    if not coded:
        return export.outputs["tflite"]
    if "coded" not in export.outputs:
        raise NotFoundError(
            f"{path} has no coded file: an earlier release has exported it; pull it without --coded, or discard the "
            "result of its step and retry the job"
        )
    return export.outputs["coded"]


def _exports(job: JobView) -> Iterator[tuple[Path, StepView]]:
    for pipeline in job.pipelines:
        seen: Counter[str] = Counter()
        for step in pipeline.steps:
            if step.kind == "export":
                seen[step.title] += 1
                # A pipeline can have the same kind twice, with other parameters.
                number = f"-{seen[step.title]}" if seen[step.title] > 1 else ""
                if step.state == "succeeded":
                    yield Path(pipeline.name, f"{step.title}{number}.tflite"), step


def _pack(job: Job, view: JobView) -> PackResult:
    steps = (step for pipeline in view.pipelines for step in pipeline.steps)
    key = next(step.key for step in steps if step.kind == "pack" and step.state == "succeeded")
    result = job.step(key).result
    assert isinstance(result, PackResult)
    return result

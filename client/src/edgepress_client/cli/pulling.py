"""`edgepress pull`: downloads the models of a job, with everything that is needed to use them on a device."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.formats import size
from edgepress_client.cli.invocation import ForceOption, GatewayOption, JobArgument, JsonOption
from edgepress_client.files import check_absent
from edgepress_client.jobs import Job
from edgepress_common.answers.jobs import JobView, StepView
from edgepress_common.bundle_files.preprocessing import LABELS, PREPROCESSING, labels_txt, preprocessing_json
from edgepress_common.errors import NotFoundError
from edgepress_common.results import ExportResult, PackResult
from edgepress_common.tensors import ModelDescription


def pull(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Output folder (default: the job's id).")
    ] = None,
    force: ForceOption = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Download the .tflite files of a job, with labels.txt and preprocessing.json.

    Example: `edgepress pull latest --to models`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        folder = to or Path(found.id)
        models = pull_models(found, folder, overwrite=force)
    files = {folder / model: f"  {size((folder / model).stat().st_size)}" for model in models}
    files |= {folder / LABELS: "", folder / PREPROCESSING: ""}
    result = {"folder": str(folder), "files": list(map(str, files))}
    here.show(result, *(f"{file}{words}" for file, words in files.items()), as_json=json_)


def pull_models(job: Job, folder: Path, *, overwrite: bool) -> list[Path]:
    """Download the models that a job has so far.

    Args:
        job: The job.
        folder: Output folder: ``<pipeline>/<export>.tflite``, ``labels.txt`` (a class per line, in output order)
            and ``preprocessing.json`` (a `Preprocessing`).
        overwrite: Whether existing files are replaced.

    Returns:
        The models' paths, relative to the folder.

    Raises:
        NotFoundError: The job has no finished export yet.
        FileExistsAlreadyError: One of the files exists, and ``overwrite`` is False.
    """
    view = job.view()
    exports = list(_exports(view))
    if not exports:
        raise NotFoundError(f"{job.id} has no finished export yet")
    names = [*(path for path, _ in exports), Path(LABELS), Path(PREPROCESSING)]
    check_absent(*(folder / name for name in names), overwrite=overwrite)
    models: dict[str, ModelDescription | None] = {}
    for path, step in exports:
        done = job.step(step.key)
        assert done.outputs is not None, "a step that succeeded has outputs"
        job.download_artifact(done.outputs["tflite"], folder / path, overwrite=overwrite)
        models[path.as_posix()] = done.result.tensors if isinstance(done.result, ExportResult) else None
    pack, image_size = _pack(job, view), job.spec().dataset.image_size
    (folder / PREPROCESSING).write_text(preprocessing_json(models, image_size=image_size, grey_bits=pack.grey_bits))
    (folder / LABELS).write_text(labels_txt(pack.classes))
    return [path for path, _ in exports]


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
    packs = {step.key for pipeline in view.pipelines for step in pipeline.steps if step.kind == "pack"}
    result = job.step(packs.pop()).result
    assert isinstance(result, PackResult)
    return result

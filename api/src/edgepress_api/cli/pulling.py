"""`edgepress pull`: a job's models, with what is needed to use them on a device."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from edgepress_api.bundle.model_file import ModelDescription, describe_model
from edgepress_api.bundle.preprocessing import LABELS, PREPROCESSING, labels_txt, preprocessing_json
from edgepress_api.cli import invocation
from edgepress_api.cli.client import GatewayClient
from edgepress_api.cli.formats import size
from edgepress_api.cli.invocation import GatewayOption, JobArgument
from edgepress_api.jobs.views import JobView, StepView
from edgepress_common.errors import NotFoundError
from edgepress_common.results import PackResult
from edgepress_common.steps import StepKey


def pull(
    context: typer.Context,
    job: JobArgument = "latest",
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Where to; else the job's id.")] = None,
    gateway: GatewayOption = None,
) -> None:
    """Fetch a job's .tflite files, with labels.txt and preprocessing.json."""
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        job_id = client.find(job)
        folder = to or Path(job_id)
        for model in pull_models(client, job_id, folder):
            here.out.print(f"{folder / model}  {size((folder / model).stat().st_size)}", soft_wrap=True)
        here.out.print(f"{folder / LABELS}\n{folder / PREPROCESSING}", soft_wrap=True)


def pull_models(client: GatewayClient, job_id: str, folder: Path) -> list[Path]:
    """Fetches the models that a job has so far.

    Args:
        client: Where from.
        job_id: Whose.
        folder: Gets ``<pipeline>/<export>.tflite``, ``labels.txt`` (a class a line, in the order of the outputs) and
            ``preprocessing.json`` (a `Preprocessing`).

    Returns:
        The models' paths, relative to the folder.

    Raises:
        NotFoundError: The job has no finished export yet.
    """
    job = client.job(job_id)
    models: dict[str, ModelDescription] = {}
    for path, step in _exports(job):
        outputs = client.step(step.key).outputs
        assert outputs is not None, "a step that succeeded has outputs"
        client.download(outputs["tflite"], folder / path)
        models[str(path)] = describe_model((folder / path).read_bytes())
    if not models:
        raise NotFoundError(f"{job_id} has no finished export yet")
    (folder / PREPROCESSING).write_text(preprocessing_json(models))
    (folder / LABELS).write_text(labels_txt(_classes(client, job)))
    return [Path(path) for path in models]


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


def _classes(client: GatewayClient, job: JobView) -> tuple[str, ...]:
    packs: set[StepKey] = {step.key for pipeline in job.pipelines for step in pipeline.steps if step.kind == "pack"}
    result = client.step(packs.pop()).result
    assert isinstance(result, PackResult)
    return result.classes

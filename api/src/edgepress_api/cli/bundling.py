"""`edgepress bundle`."""

from pathlib import Path
from typing import Annotated

import typer

from edgepress_api.cli import invocation
from edgepress_api.cli.formats import size
from edgepress_api.cli.invocation import GatewayOption, JobArgument
from edgepress_api.recommendation.document import Choice, PurposeName
from edgepress_api.report import Report
from edgepress_common.errors import NotFoundError
from edgepress_common.spec import ExportKind


def bundle(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    pipeline: Annotated[str | None, typer.Option("--pipeline", help="Of the model; else what is recommended.")] = None,
    export: Annotated[ExportKind | None, typer.Option("--export", help="Likewise.")] = None,
    purpose: Annotated[
        PurposeName, typer.Option("--for", help="What it is wanted for, where no model is named.")
    ] = "best_all_round",
    device: Annotated[str | None, typer.Option("--device", help="That it is recommended for; else the first.")] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to; else by its name.")] = None,
    gateway: GatewayOption = None,
) -> None:
    """Fetch a model to take home: the .tflite file, labels, preprocessing, model card, and a program that runs it."""
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        job_id = client.find(job)
        report = client.report(job_id)
        if pipeline is None and export is None:
            sha256, name = _recommended(report, purpose, device)
        else:
            sha256, name = _named(report, pipeline, export)
        target = to or Path(f"{name.replace(' ', '-')}.zip")
        client.bundle(job_id, sha256, target)
    here.out.print(f"{target}  {size(target.stat().st_size)}: {name}", soft_wrap=True)


def _recommended(report: Report, purpose: PurposeName, device: str | None) -> tuple[str, str]:
    devices = () if report.recommendation is None else report.recommendation.devices
    for found in devices:
        if device in {None, found.device}:
            for each in found.purposes:
                if each.purpose == purpose:
                    return each.choice.model_sha256, _name(each.choice)
    known = ", ".join(found.device for found in devices) or "none yet"
    where = "" if device is None else f" on {device}"
    raise NotFoundError(f"nothing is recommended as {purpose}{where} in {report.job.id}; devices measured on: {known}")


def _named(report: Report, pipeline: str | None, export: str | None) -> tuple[str, str]:
    for row in report.rows:
        if pipeline in {None, row.pipeline} and export in {None, row.export}:
            return row.model_sha256, f"{row.pipeline} {row.export}"
    known = ", ".join(dict.fromkeys(f"{row.pipeline} {row.export}" for row in report.rows)) or "nothing yet"
    wanted = " ".join(name for name in (pipeline, export) if name is not None)
    raise NotFoundError(f"{report.job.id} has measured no {wanted!r}; accepted: {known}")


def _name(choice: Choice) -> str:
    return f"{choice.pipeline} {choice.export}"

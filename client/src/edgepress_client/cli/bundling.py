"""`edgepress bundle`."""

from pathlib import Path
from typing import Annotated

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.formats import size
from edgepress_client.cli.invocation import ForceOption, GatewayOption, JobArgument, JsonOption
from edgepress_common.answers.recommendation import Choice, PurposeName
from edgepress_common.answers.report import Report
from edgepress_common.errors import NotFoundError
from edgepress_common.spec import ExportKind


def bundle(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", metavar="NAME", help="Pipeline of the model (default: recommended).")
    ] = None,
    export: Annotated[
        ExportKind | None, typer.Option("--export", help="Export of the model (default: recommended).")
    ] = None,
    purpose: Annotated[
        PurposeName, typer.Option("--for", help="Purpose, if neither pipeline nor export is named.")
    ] = "best_all_round",
    device: Annotated[
        str | None, typer.Option("--device", metavar="NAME", help="Device to recommend for (default: the first).")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Output file (default: derived from the model's name).")
    ] = None,
    coded: Annotated[
        bool,
        typer.Option("--coded", help="Include the coded file (.epz) and its decoder, instead of the .tflite file."),
    ] = False,
    force: ForceOption = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Download a model with labels, preprocessing, a model card and a program that runs it, as a zip.

    Example: `edgepress bundle latest --for smallest_to_send`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        report = found.report()
        if pipeline is None and export is None:
            sha256, name = _recommended(report, purpose, device)
        else:
            sha256, name = _named(report, pipeline, export)
        target = found.download_bundle(sha256, to or Path(_file_name(name)), coded=coded, overwrite=force)
    size_bytes = target.stat().st_size
    result = {"file": str(target), "size_bytes": size_bytes, "model": name, "model_sha256": sha256}
    here.show(result, f"{target}  {size(size_bytes)}: {name}", as_json=json_)


def _recommended(report: Report, purpose: PurposeName, device: str | None) -> tuple[str, str]:
    devices = () if report.recommendation is None else report.recommendation.devices
    for found in devices:
        if device in {None, found.device}:
            for each in found.purposes:
                if each.purpose == purpose:
                    return each.choice.model_sha256, _name(each.choice)
    known = ", ".join(found.device for found in devices) or "none yet"
    where = "" if device is None else f" on {device}"
    raise NotFoundError(
        f"{report.job.id} has no recommendation for {purpose}{where}; devices with measurements: {known}"
    )


def _named(report: Report, pipeline: str | None, export: str | None) -> tuple[str, str]:
    for row in report.rows:
        if pipeline in {None, row.pipeline} and export in {None, row.export}:
            return row.model_sha256, f"{row.pipeline} {row.export_name}"
    known = ", ".join(dict.fromkeys(f"{row.pipeline} {row.export}" for row in report.rows)) or "none yet"
    wanted = " ".join(name for name in (pipeline, export) if name is not None)
    raise NotFoundError(f"{report.job.id} has no measured model {wanted!r}; accepted: {known}")


def _name(choice: Choice) -> str:
    return f"{choice.pipeline} {choice.export_name}"


def _file_name(model: str) -> str:
    # Users name pipelines: a name is never a path.
    return "".join(character if character.isalnum() or character in "._+-" else "-" for character in model) + ".zip"

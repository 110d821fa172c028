"""`edgepress recommend`."""

from typing import Annotated

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.exit_codes import NoResultError
from edgepress_client.cli.goal_options import (
    IgnoreSpecGoalsOption,
    LimitOption,
    MaxDropOption,
    MaxLatencyOption,
    MaxSizeOption,
    MaxZipOption,
    MethodOption,
    PreferOption,
    WeightOption,
    goal_parameters,
)
from edgepress_client.cli.invocation import GatewayOption, JobArgument, JsonOption
from edgepress_client.cli.recommendation_view import recommendation_parts
from edgepress_common.answers.recommendation import Recommendation


def recommend(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    max_accuracy_drop: MaxDropOption = None,
    max_latency_ms: MaxLatencyOption = None,
    max_size_bytes: MaxSizeOption = None,
    max_zip_bytes: MaxZipOption = None,
    limit: LimitOption = None,
    weight: WeightOption = None,
    prefer: PreferOption = None,
    method: MethodOption = None,
    ignore_spec_goals: IgnoreSpecGoalsOption = False,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="Show at most N files of the ranking.")] = 12,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Show which file to ship for which purpose, and why.

    Exit code 9: nothing has been measured yet, or no file is within the limits.

    Example: `edgepress recommend latest --max-latency-ms 40 --weight accuracy=3`
    """
    here = invocation.of(context)
    limits = {
        "max_accuracy_drop": max_accuracy_drop,
        "max_latency_ms": max_latency_ms,
        "max_size_bytes": max_size_bytes,
        "max_zip_bytes": max_zip_bytes,
    }
    asked = goal_parameters(
        limits, limit=limit, weight=weight, prefer=prefer, method=method, ignore_spec_goals=ignore_spec_goals
    )
    with here.job(job, gateway) as client_job:
        found = client_job.recommendation(asked)
    here.show(found, *(recommendation_parts(found, top) if found.devices else ()), as_json=json_)
    _check_choice(found, client_job.id)


def _check_choice(found: Recommendation, job_id: str) -> None:
    """Raise `NoResultError` if there is no file to recommend."""
    if not found.devices:
        raise NoResultError(f"{job_id} has no measurements yet")
    if not any(device.purposes for device in found.devices):
        raise NoResultError(f"no file of {job_id} is within the limits; relax a limit, or see what each file misses")

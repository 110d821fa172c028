"""`edgepress logs`."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.formats import moment, percent, words
from edgepress_client.cli.invocation import GatewayOption, JobArgument, JsonOption
from edgepress_client.cli.terminal import harmless_json
from edgepress_client.following import ServerEvent
from edgepress_client.job import Job
from edgepress_common.answers.jobs import JobView

_NAMES = ("pipeline", "title", "name")  # fields that name the subject of an event; the first present one is shown
_FIGURES = ("loss", "accuracy", "val_accuracy")


def logs(
    context: typer.Context,
    job: JobArgument = "latest",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the events until the job ends.")] = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Show the events of a job, and the end of the log of each failed step.

    With `--json` each event is a line of JSON.

    Example: `edgepress logs latest --follow`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        for event in _events(found, follow=follow):
            if json_:
                here.out.file.write(f"{harmless_json(json.loads(event.data), indent=None)}\n")
            else:
                here.say(_line(json.loads(event.data)))
        if not json_:
            for text in _failures(found.view()):
                here.say(text)


def _events(job: Job, *, follow: bool) -> Iterator[ServerEvent]:
    """Yield the numbered events; without `follow` only those so far."""
    for event in job.events():
        if event.type != "progress":
            yield event
        elif not follow:
            return


def _line(event: dict[str, Any]) -> str:
    data = event.get("data", {})
    at = moment(datetime.fromisoformat(event["at"])) if "at" in event else "-"
    about = next((str(data[name]) for name in _NAMES if data.get(name)), "")
    parts = [words(str(data["state"]))] if "state" in data else []
    if data.get("attempt", 1) > 1:
        parts.append(f"attempt {data['attempt']}")
    if data.get("epoch") is not None:
        parts.append(f"epoch {data['epoch']}" + (f"/{data['epochs']}" if data.get("epochs") else ""))
    metrics = data.get("metrics") or data
    for name in _FIGURES:
        if isinstance(figure := metrics.get(name), int | float):
            shown = percent(figure) if name.endswith("accuracy") else f"{figure:.3g}"
            parts.append(f"{name.replace('_', ' ')} {shown}")
    if message := data.get("message") or data.get("error"):
        parts.append(str(message))
    return f"{at}  {event.get('type', '')}  {about}: {', '.join(parts)}"


def _failures(job: JobView) -> Iterator[str]:
    steps = {step.key: step for pipeline in job.pipelines for step in pipeline.steps}
    for step in steps.values():
        if step.failure is not None and step.state == "failed":
            yield f"\n{step.title} failed ({step.failure.code}): {step.failure.message}"
            if step.failure.log:
                yield step.failure.log.rstrip()

"""`edgepress jobs`, `show`, `label`, `cancel`, `retry` and `delete`.

A list needs none of the modules that `show` imports.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edgepress_client.cli import invocation
from edgepress_client.cli.formats import moment, took, words
from edgepress_client.cli.invocation import GatewayOption, JobArgument, JsonOption, NamedJobArgument, YesOption
from edgepress_common.answers.job_list import JobState

if TYPE_CHECKING:
    from edgepress_client.job import Job
    from edgepress_common.answers.jobs import JobView
    from edgepress_common.results import PackResult


def jobs(
    context: typer.Context,
    *,
    words_: Annotated[
        str | None,
        typer.Option(
            "--search",
            metavar="WORDS",
            help="List only jobs in which these words occur: name, notes, project, tags, network, data set, device.",
        ),
    ] = None,
    state: Annotated[JobState | None, typer.Option("--state", help="List only jobs in this state.")] = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="List only jobs of this project.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="List only jobs with this tag; repeatable.")
    ] = None,
    network: Annotated[
        str | None, typer.Option("--network", metavar="NAME", help="List only jobs with this architecture.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME", help="List only jobs with this data set.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="NAME", help="List only jobs that name this device.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option("--since", metavar="DATE", help="List only jobs posted on this date or later.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="List at most N jobs.")] = 20,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """List jobs, the newest first.

    Example: `edgepress jobs --project doors --tag night`
    """
    here = invocation.of(context)
    with here.gateway(gateway) as client:
        found = list(
            client.jobs.list(
                limit,
                state=state,
                words=words_,
                project=project,
                tags=tag or (),
                network=network,
                dataset=dataset,
                device=device,
                created_from=since,
            )
        )
    has_labels = any(job.project or job.tags for job in found)
    labels = ("project", "tags") if has_labels else ()
    table = Table("job", "name", "state", "posted", "took", *labels, box=None, pad_edge=False)
    for job in found:
        cells = [job.id, job.name, words(job.state), moment(job.created_at), took(job.created_at, job.finished_at)]
        table.add_row(*cells, *([job.project or "", " ".join(job.tags)] if has_labels else []))
    here.show(found, table if found else "no jobs", as_json=json_)


def show(
    context: typer.Context, job: JobArgument = "latest", *, json_: JsonOption = False, gateway: GatewayOption = None
) -> None:
    """Show a job with its pipelines, its steps, and the images of its data set.

    Example: `edgepress show latest`
    """
    from edgepress_client.cli.job_view import job_tree, split_table  # noqa: PLC0415 - see the module

    here = invocation.of(context)
    with here.job(job, gateway) as found:
        view = found.view()
        pack = None if json_ else _pack(found, view)
    here.show(view, job_tree(view), *([] if pack is None else [split_table(pack)]), as_json=json_)


def _pack(job: "Job", view: "JobView") -> "PackResult | None":
    """Return what the data set was packed to; None until it is."""
    from edgepress_common.results import PackResult  # noqa: PLC0415 - see the module

    steps = (step for pipeline in view.pipelines for step in pipeline.steps)
    key = next((step.key for step in steps if step.kind == "pack" and step.state == "succeeded"), None)
    result = None if key is None else job.step(key).result
    return result if isinstance(result, PackResult) else None


def cancel(
    context: typer.Context, job: NamedJobArgument, *, json_: JsonOption = False, gateway: GatewayOption = None
) -> None:
    """Cancel a job. Finished steps are kept.

    Example: `edgepress cancel latest`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        view = found.cancel()
    here.show(view, f"{found.id} cancelled; run it again with: edgepress retry {found.id}", as_json=json_)


def retry(
    context: typer.Context, job: NamedJobArgument, *, json_: JsonOption = False, gateway: GatewayOption = None
) -> None:
    """Run the steps of a job again that failed or were cancelled.

    Example: `edgepress retry latest`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        view = found.retry()
    here.show(view, f"{found.id} runs again; follow it with: edgepress watch {found.id}", as_json=json_)


def label(
    context: typer.Context,
    job: NamedJobArgument,
    *,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="Project of the job; empty for none.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Add this tag; repeatable.")] = None,
    untag: Annotated[
        list[str] | None, typer.Option("--untag", metavar="TAG", help="Remove this tag; repeatable.")
    ] = None,
    notes: Annotated[str | None, typer.Option("--notes", metavar="TEXT", help="Notes; empty for none.")] = None,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Change the project, tags and notes of a job, by which it is found again. Without options, show them.

    Example: `edgepress label latest --project doors --tag night`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        view = found.view()
        if not (project is None and notes is None and tag is None and untag is None):
            tags = [each for each in (*view.tags, *(tag or ())) if each not in (untag or ())]
            view = found.label(project=project, tags=tags, notes=notes)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in (("project", view.project), ("tags", " ".join(view.tags)), ("notes", view.notes)):
        table.add_row(name, value or "none")
    here.show(view, table, as_json=json_)


def delete(
    context: typer.Context,
    job: NamedJobArgument,
    *,
    yes: YesOption = False,
    json_: JsonOption = False,
    gateway: GatewayOption = None,
) -> None:
    """Delete a job that has ended, with its report and the files that no other job needs.

    Example: `edgepress delete job-0b54a33eb9bf1c1b`
    """
    here = invocation.of(context)
    with here.job(job, gateway) as found:
        if not yes:
            here.confirm_deletion(found.id, "with its report and files")
        found.delete()
    here.show({"id": found.id, "deleted": True}, f"{found.id} deleted", as_json=json_)

"""Jobs: submit, list and control them. All types but those of a list are imported when they are used."""

# ruff: noqa: PLC0415

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepress_client.connection import Connection, parse
from edgepress_client.job import Job
from edgepress_client.sending import SENDING_SECONDS, Sent, chunks_of, file_size, readable
from edgepress_client.specs import Spec, spec_document
from edgepress_common.answers.job_list import Facets, JobPage, JobState, JobSummary
from edgepress_common.errors import NotFoundError

if TYPE_CHECKING:
    from edgepress_common.answers.comparison import JobsComparison
    from edgepress_common.answers.jobs import JobView, PlanPreview

LATEST = "latest"

_LARGEST_PAGE = 100  # that the gateway returns
_PLANNING_SECONDS = 300.0  # planning a job lists its data set: 100,000 files on a slow disk take a minute


class Jobs:
    """The jobs of the gateway."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def submit(self, spec: Spec) -> Job:
        """Submit a job.

        Args:
            spec: A file in JSON or YAML by its path, a dictionary, or a `JobSpec`.

        Raises:
            InvalidRequestError: The spec is not valid; ``problem.errors`` has each field at fault.
            QuotaExceededError: More jobs or bytes than the user may have.
        """
        from edgepress_common.answers.jobs import JobView

        document = spec_document(spec)
        headers = {"Content-Type": document.media_type, "Idempotency-Key": str(uuid.uuid4())}
        response = self._post(document.content, headers=headers, can_repeat=True)
        return Job(self._connection, parse(JobView, response).id)

    def validate(self, spec: Spec) -> PlanPreview:
        """Return the plan of a job without submitting it. Arguments and errors are those of `submit`."""
        from edgepress_common.answers.jobs import PlanPreview

        document = spec_document(spec)
        headers = {"Content-Type": document.media_type}
        response = self._post(document.content, headers=headers, params={"validate_only": "true"}, can_repeat=True)
        return parse(PlanPreview, response)

    def import_archive(self, path: str | Path, *, sent: Sent = lambda *_: None) -> JobView:
        """Import a job of another server, and return it. The same archive again is the same job.

        Args:
            path: The archive, as `Job.download_archive` has written it.
            sent: Called as the upload goes on.

        Raises:
            InvalidRequestError: It is not an archive of a job.
            InvalidInputError: The file can't be read.
        """
        from edgepress_common.answers.jobs import JobView

        with readable(Path(path)), Path(path).open("rb") as file:
            size = file_size(file)
            return self._connection.upload(
                JobView,
                "jobs",
                "archive",
                chunks=chunks_of(file, size, sent),
                headers={"Content-Type": "application/zip", "Content-Length": str(size)},
                timeout=SENDING_SECONDS,
            )

    def get(self, job: str) -> Job:
        """Return a job by its id, or the newest job for ``latest``.

        Raises:
            InvalidInputError: The id is not of the form that ids have.
            NotFoundError: ``latest``, and the gateway has no jobs.
        """
        if job != LATEST:
            return Job(self._connection, job)
        latest = next(self.list(1), None)
        if latest is None:
            raise NotFoundError(f"{self._connection.url} has no jobs yet")
        return Job(self._connection, latest.id)

    def list(
        self,
        limit: int | None = None,
        *,
        state: JobState | None = None,
        words: str | None = None,
        project: str | None = None,
        tags: Sequence[str] = (),
        network: str | None = None,
        dataset: str | None = None,
        device: str | None = None,
        created_from: datetime | None = None,
        created_before: datetime | None = None,
    ) -> Iterator[JobSummary]:
        """Yield the jobs that match all filters, the newest first. Pages are requested as needed.

        Args:
            limit: Maximum number of jobs; None for all.
            state: Only jobs in this state.
            words: Words of the id, name, notes, project, tags, networks, data set or devices.
            project: Only jobs of this project.
            tags: Only jobs with all of these tags.
            network: Only jobs with this architecture.
            dataset: Only jobs with this data set, by the name that the list of jobs shows.
            device: Only jobs that name this device.
            created_from: Only jobs posted at this time or later; without a time zone, the local one.
            created_before: Only jobs posted before this time.
        """
        left = float("inf") if limit is None else limit
        params: dict[str, str | list[str]] = {"page_size": str(int(min(left, _LARGEST_PAGE)))}
        filters = {
            "state": state,
            "q": words,
            "project": project,
            "network": network,
            "dataset": dataset,
            "device": device,
            "created_from": created_from and created_from.astimezone().isoformat(),
            "created_before": created_before and created_before.astimezone().isoformat(),
        }
        params |= {name: text for name, text in filters.items() if text} | ({"tag": [*tags]} if tags else {})
        while left > 0:
            page = self._connection.get(JobPage, "jobs", params=params)
            yield from page.jobs[: int(min(left, len(page.jobs)))]
            left -= len(page.jobs)
            if page.next_page_token is None:
                return
            params["page_token"] = page.next_page_token

    def facets(self) -> Facets:
        """Return the projects, tags, networks, data sets and devices of the jobs, with the number of jobs of each."""
        return self._connection.get(Facets, "facets")

    def compare(self, job_ids: Sequence[str]) -> JobsComparison:
        """Compare two to ten jobs. The first is the reference."""
        from edgepress_common.answers.comparison import JobsComparison

        return self._connection.get(JobsComparison, "comparison", params={"job": [*job_ids]})

    def _post(self, content: bytes, **options: Any) -> Any:
        return self._connection.request("POST", "jobs", content=content, timeout=_PLANNING_SECONDS, **options)

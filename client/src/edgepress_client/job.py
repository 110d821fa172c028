"""A job of the gateway. The types of what it answers are imported when they are used."""

# ruff: noqa: PLC0415

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgepress_client import following
from edgepress_client.connection import Connection, Query, parse
from edgepress_client.following import JobEventStream, ServerEvent
from edgepress_common.artifacts import ArtifactRef
from edgepress_common.errors import InvalidInputError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from edgepress_client.report import JobReport
    from edgepress_common.answers.file_errors import FileErrors
    from edgepress_common.answers.jobs import JobView, StepDetail
    from edgepress_common.answers.notifications import JobNotifications
    from edgepress_common.answers.recommendation import Recommendation
    from edgepress_common.answers.search_analysis import SearchAnalysis
    from edgepress_common.answers.trials import TrialsView
    from edgepress_common.spec import JobSpec

ReportFormat = Literal["json", "csv", "html"]
MEDIA_TYPES: dict[ReportFormat, str] = {"json": "application/json", "csv": "text/csv", "html": "text/html"}

_ID = re.compile(r"[A-Za-z0-9-]{1,40}")


class Job:
    """A job of the gateway.

    Args:
        connection: The gateway.
        job_id: The job's id.

    Raises:
        InvalidInputError: The id is not of the form that ids have.
    """

    def __init__(self, connection: Connection, job_id: str) -> None:
        if not _ID.fullmatch(job_id):
            raise InvalidInputError(
                f"{job_id!r} is not a job id; accepted: 1 to 40 letters, digits and hyphens, as in job-0b54a33eb9bf1c1b"
            )
        self._connection = connection
        self.id = job_id

    def __repr__(self) -> str:
        return f"Job({self.id!r})"

    def view(self) -> JobView:
        """Return the job as it is now, with its pipelines and steps."""
        from edgepress_common.answers.jobs import JobView

        return self._connection.get(JobView, "jobs", self.id)

    def spec(self) -> JobSpec:
        """Return the job's spec, with every default written out."""
        from edgepress_common.spec import JobSpec

        return self._connection.get(JobSpec, "jobs", self.id, "spec")

    def step(self, key: str) -> StepDetail:
        """Return a step with its inputs, outputs and result."""
        from edgepress_common.answers.jobs import StepDetail

        return self._connection.get(StepDetail, "steps", key)

    def cancel(self) -> JobView:
        """Cancel the job. Finished steps are kept."""
        return self._do("cancel")

    def retry(self) -> JobView:
        """Run the steps again that failed or were cancelled."""
        return self._do("retry")

    def trials(self) -> TrialsView:
        """Return the trials of the job's search, its winner, and the price of each limit."""
        from edgepress_common.answers.trials import TrialsView

        return self._connection.get(TrialsView, "jobs", self.id, "trials")

    def trials_analysis(self) -> SearchAnalysis:
        """Return the growth of the search's front, the importance of each choice, and charts of its trials."""
        from edgepress_common.answers.search_analysis import SearchAnalysis

        return self._connection.get(SearchAnalysis, "jobs", self.id, "trials", "analysis")

    def extend(self, *, trials: int = 0, hours: float = 0) -> JobView:
        """Extend the budget of the job's search.

        Args:
            trials: Members of the space to try in addition.
            hours: Hours of work in addition.
        """
        from edgepress_common.answers.jobs import JobView

        extension = {"trials": trials, "hours": hours}
        return self._connection.post(JobView, "jobs", self.id, "extend", json=extension)

    def label(
        self, *, project: str | None = None, tags: Sequence[str] | None = None, notes: str | None = None
    ) -> JobView:
        """Change the labels of the job, and return it.

        Args:
            project: Its project; empty for none, None to leave it as it is.
            tags: Its tags; None to leave them as they are.
            notes: Its notes, as plain text; None to leave them as they are.
        """
        from edgepress_common.answers.jobs import JobView

        now = self.view()
        labels = {
            "project": (now.project if project is None else project) or None,
            "tags": [*(now.tags if tags is None else tags)],
            "notes": now.notes if notes is None else notes,
        }
        return parse(JobView, self._connection.request("PUT", "jobs", self.id, "labels", json=labels))

    def notifications(self) -> JobNotifications:
        """Return the recipients of the job's notifications, and the messages to them."""
        from edgepress_common.answers.notifications import JobNotifications

        return self._connection.get(JobNotifications, "jobs", self.id, "notifications")

    def delete(self) -> None:
        """Delete the job, which must have ended."""
        self._connection.request("DELETE", "jobs", self.id)

    def _do(self, action: str) -> JobView:
        from edgepress_common.answers.jobs import JobView

        return self._connection.post(JobView, "jobs", self.id, action)

    def watch(self, unavailable: Callable[[UnavailableError], object] = lambda _: None) -> Iterator[JobView]:
        """Yield the job as it is now and whenever it has changed, until it has ended.

        Args:
            unavailable: Called with the error each time the gateway does not answer.

        Raises:
            UnavailableError: The gateway did not answer the first time, or later for five minutes.
        """
        with closing(JobEventStream(self._connection, self.id)) as channel:
            yield from following.follow(self.view, channel.await_change, unavailable=unavailable)

    def wait(self, timeout_seconds: float | None = None) -> JobView:
        """Wait until the job has ended, and return it. Its ``state`` shows whether it succeeded.

        Args:
            timeout_seconds: How long to wait; None for no limit.

        Raises:
            TimeoutError: The job has not ended in time. It continues to run.
            UnavailableError: The gateway did not answer the first time, or later for five minutes.
        """
        if timeout_seconds is None:
            return _last(self.watch())
        deadline = time.monotonic() + timeout_seconds

        def pause() -> None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{self.id} has not ended within {timeout_seconds:g} seconds")
            time.sleep(min(left, following.POLL_SECONDS))

        return _last(following.follow(self.view, pause))

    def events(self) -> Iterator[ServerEvent]:
        """Yield the past and future events of the job, until it has ended.

        Raises:
            UnavailableError: The gateway can't be reached, or the connection breaks.
        """
        yield from JobEventStream(self._connection, self.id).events()

    def report(self, goals: Query | None = None) -> JobReport:
        """Return the job's report with the measurements so far.

        Args:
            goals: Goals of the recommendation, named as in the API's query; they override those of the job's spec.
        """
        from edgepress_client.report import JobReport

        return self._connection.get(JobReport, "jobs", self.id, "report", params=goals)

    def report_document(self, format_: ReportFormat, goals: Query | None = None) -> bytes:
        """Return the job's report as JSON, CSV or HTML; `goals` as in `report`."""
        return self._connection.document("jobs", self.id, "report", media_type=MEDIA_TYPES[format_], params=goals)

    def recommendation(self, goals: Query | None = None) -> Recommendation:
        """Return the recommendation of which files to ship; `goals` as in `report`."""
        from edgepress_common.answers.recommendation import Recommendation

        return self._connection.get(Recommendation, "jobs", self.id, "recommendation", params=goals)

    def errors(self, model_sha256: str, query: Query | None = None) -> FileErrors:
        """Return a page of images that a file classifies wrongly, or otherwise than another file.

        Args:
            model_sha256: ``model_sha256`` of a row of the report.
            query: Which images, named as in the API's query: ``selection``, ``split``, ``device``, ``against``,
                ``true_class``, ``predicted_class``, ``page_size``, ``page_token``.
        """
        from edgepress_common.answers.file_errors import FileErrors

        return self._connection.get(FileErrors, "jobs", self.id, "models", model_sha256, "errors", params=query)

    def download(self, pipeline: str, export: str, target: str | Path, *, overwrite: bool = False) -> Path:
        """Download a .tflite file, and return its path.

        Args:
            pipeline: The name of its pipeline.
            export: The kind of its export, as in ``int8``.
            target: The file to write.
            overwrite: Whether an existing file is replaced.

        Raises:
            NotFoundError: The job has no such file yet.
            FileExistsAlreadyError: The file exists, and ``overwrite`` is False.
        """
        exports = [
            (found.name, step)
            for found in self.view().pipelines
            for step in found.steps
            if step.kind == "export" and step.state == "succeeded"
        ]
        for name, step in exports:
            if (name, step.title) == (pipeline, export):
                return self.download_artifact(self.file_of(step.key), Path(target), overwrite=overwrite)
        known = ", ".join(f"{name} {step.title}" for name, step in exports) or "none yet"
        raise NotFoundError(f"{self.id} does not have a file {pipeline!r} {export!r}; accepted: {known}")

    def file_of(self, key: str) -> ArtifactRef:
        """Return the .tflite file of an export that succeeded."""
        outputs = self.step(key).outputs
        assert outputs is not None, "a step that succeeded has outputs"
        return outputs["tflite"]

    def download_artifact(self, artifact: ArtifactRef, target: Path, *, overwrite: bool = False) -> Path:
        """Download an artifact of the job, and return its path. Raises the same errors as `download`."""
        return self._connection.download_artifact(artifact, target, overwrite=overwrite)

    def download_bundle(
        self, model_sha256: str, target: str | Path, *, coded: bool = False, overwrite: bool = False
    ) -> Path:
        """Download a model with everything that is needed to run it, as a zip, and return its path.

        Args:
            model_sha256: ``model_sha256`` of a row of the report.
            target: The file to write.
            coded: Whether the bundle has the coded file and its decoder instead of the .tflite file.
            overwrite: Whether an existing file is replaced.
        """
        path = ("jobs", self.id, "models", model_sha256, "bundle")
        params: Query = {"coded": "true"} if coded else {}
        return self._connection.download(*path, target=Path(target), overwrite=overwrite, params=params)

    def download_archive(self, target: str | Path, *, images: bool = False, overwrite: bool = False) -> Path:
        """Download the job, which has ended, as a zip that another server can import, and return its path.

        Args:
            target: The file to write.
            images: Whether the archive has the images of the data set, as arrays.
            overwrite: Whether an existing file is replaced.
        """
        params: Query = {"images": "true"} if images else {}
        return self._connection.download(
            "jobs", self.id, "archive", target=Path(target), overwrite=overwrite, params=params
        )


def _last(views: Iterator[JobView]) -> JobView:
    return deque(views, maxlen=1)[0]

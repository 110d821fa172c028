"""The gateway, as a client sees it: each request a method, each answer one of the gateway's own types.

A gateway newer than this client may say more than the types know; that is passed over.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from edgepress_api.cli.problems import Problem, RefusedError
from edgepress_api.cli.settings import ClientSettings
from edgepress_api.jobs.submission import PlanPreview
from edgepress_api.jobs.views import JobPage, JobSummary, JobView, StepDetail
from edgepress_common.artifacts import ArtifactRef, CorruptArtifactError
from edgepress_common.errors import InvalidInputError, NotFoundError, UnavailableError
from edgepress_common.steps import StepKey

LATEST = "latest"

ReportFormat = Literal["json", "csv", "html"]
_MEDIA_TYPES: Mapping[ReportFormat, str] = {"json": "application/json", "csv": "text/csv", "html": "text/html"}

_PAGE_SIZE = 100
# Accepting a job lists its data set: 100,000 files on a slow disk take a minute.
_TIMEOUT = httpx.Timeout(30, read=300)

_Answer = TypeVar("_Answer", bound=BaseModel)


@dataclass(frozen=True)
class SpecDocument:
    """A job's description as it is to be sent: nobody but the gateway reads it."""

    content: bytes
    media_type: Literal["application/json", "application/yaml"]


class GatewayClient:
    """Speaks with one gateway.

    Every method raises `UnavailableError` when it can't be reached or can't answer now, and `RefusedError` when it
    says no.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    @property
    def url(self) -> str:
        """The gateway's address."""
        return str(self._http.base_url).rstrip("/")

    def submit(self, spec: SpecDocument) -> str:
        """Posts a job, and answers its id."""
        response = self._send("POST", "/v1/jobs", content=spec.content, headers={"Content-Type": spec.media_type})
        return _parse(_Accepted, response).id

    def validate(self, spec: SpecDocument) -> PlanPreview:
        """What a job would do."""
        response = self._send(
            "POST",
            "/v1/jobs",
            params={"validate_only": "true"},
            content=spec.content,
            headers={"Content-Type": spec.media_type},
        )
        return _parse(PlanPreview, response)

    def job(self, job_id: str) -> JobView:
        """A job with its pipelines and steps."""
        return _parse(JobView, self._send("GET", f"/v1/jobs/{job_id}"))

    def jobs(self, *, state: str | None = None) -> Iterator[JobSummary]:
        """All jobs, the newest first, fetched page by page as they are asked for."""
        params = {"page_size": str(_PAGE_SIZE)} | ({"state": state} if state else {})
        while True:
            page = _parse(JobPage, self._send("GET", "/v1/jobs", params=params))
            yield from page.jobs
            if page.next_page_token is None:
                return
            params["page_token"] = page.next_page_token

    def find(self, job: str) -> str:
        """The id of a job that is named by its id, or as the latest.

        Raises:
            NotFoundError: The latest was asked for, and there is none.
        """
        if job != LATEST:
            return job
        latest = next(self.jobs(), None)
        if latest is None:
            raise NotFoundError(f"{self.url} has no jobs yet")
        return latest.id

    def cancel(self, job_id: str) -> None:
        """Stops a job."""
        self._send("POST", f"/v1/jobs/{job_id}/cancel")

    def retry(self, job_id: str) -> None:
        """Takes up again what failed or was cancelled."""
        self._send("POST", f"/v1/jobs/{job_id}/retry")

    def step(self, key: StepKey) -> StepDetail:
        """A step with what it gave and found."""
        return _parse(StepDetail, self._send("GET", f"/v1/steps/{key}"))

    def report_document(self, job_id: str, format_: ReportFormat) -> bytes:
        """A job's report, written out."""
        return self._send("GET", f"/v1/jobs/{job_id}/report", headers={"Accept": _MEDIA_TYPES[format_]}).content

    def download(self, artifact: ArtifactRef, target: Path) -> None:
        """Fetches an artifact into a file, whole or not at all.

        Raises:
            CorruptArtifactError: What came is not what the artifact is named for.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as incoming:
            try:
                with _reached(), self._http.stream("GET", f"/v1/artifacts/{artifact.sha256}") as response:
                    _check(response)
                    for chunk in response.iter_bytes():
                        digest.update(chunk)
                        incoming.write(chunk)
                if digest.hexdigest() != artifact.sha256:
                    raise CorruptArtifactError(f"{artifact.sha256} came as other bytes, {digest.hexdigest()}; try again")
            except BaseException:
                Path(incoming.name).unlink()
                raise
        Path(incoming.name).replace(target)

    def _send(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        with _reached():
            response = self._http.request(method, path, params=params, content=content, headers=headers)
            return _check(response)

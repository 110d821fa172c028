"""A gateway in a few lines, for tests of clients: it answers from what a test has put into it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from edgepress_common.answers.job_list import JobPage, JobState, JobSummary
from edgepress_common.answers.jobs import JobView, PipelineView, StepDetail, StepState, StepView
from edgepress_common.artifacts import ArtifactRef
from edgepress_common.messages import Progress, StepFailure
from edgepress_common.results import StepResult
from edgepress_common.steps import StepKind
from fakes.jobs import small_spec

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def make_step(
    title: str,
    state: StepState = "succeeded",
    *,
    kind: StepKind = "stage",
    progress: Progress | None = None,
    failure: StepFailure | None = None,
    attempt: int = 1,
    key: str | None = None,
    device: str | None = None,
    due_at: datetime | None = None,
) -> StepView:
    """A step of a job; its key follows from its title."""
    begun = state in {"running", "succeeded", "failed"}
    return StepView(
        key=key or hashlib.sha256(title.encode()).hexdigest(),
        kind=kind,
        title=title,
        state=state,
        attempt=attempt if begun else 0,
        holder="box" if state == "running" else None,
        progress=progress,
        failure=failure,
        started_at=BEGIN if begun else None,
        finished_at=BEGIN + timedelta(seconds=5) if state in {"succeeded", "failed"} else None,
        device=device,
        due_at=due_at,
    )


def make_job(
    *steps: StepView,
    state: JobState = "running",
    progress: float = 0.5,
    error: str | None = None,
    pipelines: Sequence[PipelineView] | None = None,
    id_: str = "job-1",
    name: str = "digits",
) -> JobView:
    """A job of one pipeline called base, unless others are given."""
    ended = state not in {"queued", "running"}
    return JobView(
        id=id_,
        name=name,
        state=state,
        progress=1.0 if ended else progress,
        created_at=BEGIN,
        finished_at=BEGIN + timedelta(seconds=65) if ended else None,
        error=error,
        pipelines=tuple(pipelines or [PipelineView(name="base", state=state, steps=steps)]),
    )


@dataclass
class FakeGateway:
    """A gateway that answers requests, and records them.

    Attributes:
        looks: States of a job that successive requests see; the last one is repeated.
        details: Steps in full.
        artifacts: Bytes by their SHA-256.
        answers: Other answers, by method and path.
        requests: All requests so far.
        is_unavailable: Whether the gateway does not answer.
    """

    looks: list[JobView] = field(default_factory=list)
    details: dict[str, StepDetail] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    answers: dict[tuple[str, str], httpx.Response] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    is_unavailable: bool = False

    @property
    def transport(self) -> httpx.MockTransport:
        """Return the transport for a client."""
        return httpx.MockTransport(self._answer)

    def add_artifact(self, content: bytes) -> ArtifactRef:
        """Store bytes, and return their reference."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.artifacts[sha256] = content
        return ArtifactRef(sha256=sha256, size_bytes=len(content))

    def add_detail(self, step: StepView, outputs: dict[str, ArtifactRef], result: StepResult | None = None) -> None:
        """Store the outputs and the result of a step."""
        self.details[step.key] = StepDetail(**step.model_dump(), inputs={}, outputs=outputs, result=result)

    def refuse(self, method: str, path: str, status: int, **problem: object) -> None:
        """Answer a request with a problem from now on."""
        self.answers[method, path] = httpx.Response(
            status, json={"type": "/problems/x", "status": status, "instance": path, **problem}
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        if self.is_unavailable:
            raise httpx.ConnectError("Connection refused", request=request)
        known = self.answers.get((request.method, request.url.path))
        return known or self._resource(request)

    def _resource(self, request: httpx.Request) -> httpx.Response:
        match request.method, *request.url.path.strip("/").split("/")[1:]:
            case ["GET", "jobs"]:
                return self._page(request)
            case ["GET", "jobs", id_] if self.looks and id_ == self.looks[0].id:
                look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
                return httpx.Response(200, content=look.model_dump_json())
            case ["GET", "jobs", id_, "spec"] if self.looks and id_ == self.looks[0].id:
                return httpx.Response(200, content=small_spec().model_dump_json())
            case ["GET", "steps", key] if key in self.details:
                return httpx.Response(200, content=self.details[key].model_dump_json())
            case ["GET", "artifacts", sha256] if sha256 in self.artifacts:
                return httpx.Response(200, content=self.artifacts[sha256])
            case _:
                return httpx.Response(404, json={"title": "Not found", "status": 404, "detail": "none"})

    def _page(self, request: httpx.Request) -> httpx.Response:
        """Return two jobs a page, so that a client must request further pages."""
        begin = int(request.url.params.get("page_token", "0"))
        jobs = [JobSummary.model_validate(job.model_dump(), extra="ignore") for job in self.looks]
        rest = len(jobs) > begin + 2
        page = JobPage(jobs=tuple(jobs[begin : begin + 2]), next_page_token=str(begin + 2) if rest else None)
        return httpx.Response(200, json=json.loads(page.model_dump_json()))

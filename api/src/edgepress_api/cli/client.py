"""The gateway, as a client sees it: each request a method, each answer one of the gateway's own types.

A gateway newer than this client may say more than the types know; that is passed over.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from edgepress_api.cli.problems import Problem, RefusedError
from edgepress_api.comparison.document import JobsComparison
from edgepress_api.database.tables import JobState
from edgepress_api.devices.listing import DeviceList
from edgepress_api.jobs.submission import PlanPreview
from edgepress_api.jobs.views import JobPage, JobSummary, JobView, StepDetail
from edgepress_api.recommendation.document import Recommendation
from edgepress_api.report import Report
from edgepress_common.artifacts import ArtifactRef, CorruptArtifactError
from edgepress_common.errors import InvalidInputError, NotFoundError, UnavailableError
from edgepress_common.steps import StepKey

LATEST = "latest"

ReportFormat = Literal["json", "csv", "html"]
_MEDIA_TYPES: Mapping[ReportFormat, str] = {"json": "application/json", "csv": "text/csv", "html": "text/html"}

_LARGEST_PAGE = 100  # that the gateway gives
_TIMEOUT_SECONDS = 30.0
_PLANNING_SECONDS = 300.0  # to plan a job its data set is listed: 100,000 files on a slow disk take a minute
# Whatever proxy the environment names, it does not lead to this machine.
_PAST_PROXIES = {"all://127.0.0.1": None, "all://localhost": None, "all://[::1]": None}

Query = Mapping[str, str | list[str]]

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

    @property
    def has_token(self) -> bool:
        """Whether it shows a token."""
        return "authorization" in self._http.headers

    def submit(self, spec: SpecDocument) -> str:
        """Posts a job, and answers its id."""
        return _parse(JobView, self._post_spec(spec, validate_only=False)).id

    def validate(self, spec: SpecDocument) -> PlanPreview:
        """What a job would do."""
        return _parse(PlanPreview, self._post_spec(spec, validate_only=True))

    def job(self, job_id: str) -> JobView:
        """A job with its pipelines and steps."""
        return _parse(JobView, self._get(f"/v1/jobs/{job_id}"))

    def jobs(self, limit: int, *, state: JobState | None = None) -> Iterator[JobSummary]:
        """The newest jobs, fetched page by page as they are asked for.

        Args:
            limit: How many at the most.
            state: Only jobs in this state.
        """
        params: dict[str, str | list[str]] = {"page_size": str(min(limit, _LARGEST_PAGE))}
        params |= {"state": state} if state else {}
        while True:
            page = _parse(JobPage, self._get("/v1/jobs", params=params))
            yield from page.jobs[:limit]
            limit -= len(page.jobs)
            if limit <= 0 or page.next_page_token is None:
                return
            params["page_token"] = page.next_page_token

    def find(self, job: str) -> str:
        """The id of a job that is named by its id, or as the latest.

        Raises:
            NotFoundError: The latest was asked for, and there is none.
        """
        if job != LATEST:
            return job
        latest = next(self.jobs(1), None)
        if latest is None:
            raise NotFoundError(f"{self.url} has no jobs yet")
        return latest.id

    def cancel(self, job_id: str) -> None:
        """Stops a job."""
        self._post(f"/v1/jobs/{job_id}/cancel")

    def retry(self, job_id: str) -> None:
        """Takes up again what failed or was cancelled."""
        self._post(f"/v1/jobs/{job_id}/retry")

    def step(self, key: StepKey) -> StepDetail:
        """A step with what it gave and found."""
        return _parse(StepDetail, self._get(f"/v1/steps/{key}"))

    def devices(self) -> DeviceList:
        """All devices that have ever announced themselves."""
        return _parse(DeviceList, self._get("/v1/devices"))

    def report(self, job_id: str, goals: Query | None = None) -> Report:
        """A job's report, of what there is so far.

        Args:
            job_id: The job.
            goals: What to recommend by, as the gateway's query has it; what is not in it is as the job's spec has it.
        """
        return _parse(Report, self._get(f"/v1/jobs/{job_id}/report", params=goals, accept=_MEDIA_TYPES["json"]))

    def report_document(self, job_id: str, format_: ReportFormat, goals: Query | None = None) -> bytes:
        """A job's report, written out; with goals as above."""
        return self._get(f"/v1/jobs/{job_id}/report", params=goals, accept=_MEDIA_TYPES[format_]).content

    def recommendation(self, job_id: str, goals: Query | None = None) -> Recommendation:
        """Which of a job's files to ship; with goals as above."""
        return _parse(Recommendation, self._get(f"/v1/jobs/{job_id}/recommendation", params=goals))

    def compare(self, job_ids: Sequence[str]) -> JobsComparison:
        """Jobs side by side."""
        return _parse(JobsComparison, self._get("/v1/comparison", params={"job": list(job_ids)}))

    def bundle(self, job_id: str, model_sha256: str, target: Path) -> None:
        """Fetches one of a job's models with all that is needed to run it, as a zip, whole or not at all."""
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming = target.with_name(f".{target.name}.part")
        try:
            with incoming.open("wb") as file:
                for chunk in self._stream(f"/v1/jobs/{job_id}/models/{model_sha256}/bundle"):
                    file.write(chunk)
            incoming.replace(target)
        finally:
            incoming.unlink(missing_ok=True)

    def download(self, artifact: ArtifactRef, target: Path) -> None:
        """Fetches an artifact into a file, whole or not at all.

        Raises:
            CorruptArtifactError: What came is not what the artifact is named for.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming = target.with_name(f".{target.name}.part")
        digest = hashlib.sha256()
        try:
            with incoming.open("wb") as file:
                for chunk in self._stream(f"/v1/artifacts/{artifact.sha256}"):
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != artifact.sha256:
                raise CorruptArtifactError(f"{artifact.sha256} came as other bytes, {digest.hexdigest()}; try again")
            incoming.replace(target)
        finally:
            incoming.unlink(missing_ok=True)

    def _stream(self, path: str) -> Iterator[bytes]:
        with self._reached(), self._http.stream("GET", path) as response:
            if response.is_error:
                response.read()
            yield from _checked(response).iter_bytes()

    def _get(self, path: str, *, params: Query | None = None, accept: str = "*/*") -> httpx.Response:
        with self._reached():
            return _checked(self._http.get(path, params=params, headers={"Accept": accept}))

    def _post(self, path: str) -> httpx.Response:
        with self._reached():
            return _checked(self._http.post(path))

    def _post_spec(self, spec: SpecDocument, *, validate_only: bool) -> httpx.Response:
        with self._reached():
            response = self._http.post(
                "/v1/jobs",
                params={"validate_only": "true"} if validate_only else None,
                content=spec.content,
                headers={"Content-Type": spec.media_type},
                timeout=_PLANNING_SECONDS,
            )
            return _checked(response)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise UnavailableError(
                f"no gateway answers at {self.url} ({error}); start one with 'edgepress up', or name another with "
                "--gateway or EDGEPRESS_GATEWAY"
            ) from error


@contextmanager
def connect(
    url: str, token: SecretStr | None = None, transport: httpx.BaseTransport | None = None
) -> Iterator[GatewayClient]:
    """A client of the gateway at an address.

    Args:
        url: The address.
        token: Sent as a bearer token, unless it is empty.
        transport: Carries the requests; None for the network.

    Raises:
        InvalidInputError: The address is none.
    """
    if not url.startswith(("http://", "https://")):
        raise InvalidInputError(f"{url!r} is no address of a gateway; accepted: http://host:port or https://host")
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    with httpx.Client(
        base_url=url, headers=headers, timeout=_TIMEOUT_SECONDS, transport=transport, mounts=_PAST_PROXIES
    ) as http:
        yield GatewayClient(http)


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        problem = Problem(title=f"{response.status_code} {response.reason_phrase}", status=response.status_code)
    if response.is_server_error:
        raise UnavailableError(f"the gateway can't answer: {problem.title}. {problem.detail}".strip())
    raise RefusedError(problem)


def _parse(type_: type[_Answer], response: httpx.Response) -> _Answer:
    try:
        return type_.model_validate_json(response.content, extra="ignore")
    except ValidationError as error:
        raise UnavailableError(
            f"{response.url} does not answer as an Edgepress gateway of this version does: {error}"
        ) from error

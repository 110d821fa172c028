"""A gateway for devices, in memory: leases, reports and artifacts, with the faults a test asks for.

It can be called without a network (`FakeGateway.connection`), or be served on a port of this machine (`served`).
"""

import hashlib
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from edgepress_common.answers.caller import Caller
from edgepress_common.artifacts import ArtifactRef
from edgepress_common.devices import LEASE_REQUEST_HEADER, Announcement, EvaluationLease
from edgepress_common.messages import Progress, StepFailure
from edgepress_common.results import EvaluationResult

_LEASE = re.compile(r"/v1/devices/(?P<device>[^/]+)/lease")
_REQUEST = re.compile(r"/v1/devices/[^/]+/lease-requests/(?P<request>[^/]+)")
_REPORT = re.compile(r"/v1/devices/(?P<device>[^/]+)/leases/(?P<step_key>\w+)/(?P<attempt>\d+)/(?P<verb>\w+)")
_ARTIFACT = re.compile(r"/v1/artifacts/(?P<sha256>\w+)")
_RANGE = re.compile(r"bytes=(\d+)-")


class FakeGateway:
    """See the module.

    Attributes:
        announcements: What devices said of themselves, by name.
        announced: All announcements, the oldest first.
        asked: Released whenever a device asks for work.
        renewals: What was said with each renewal.
        results: What was handed in.
        failures: What was reported as failed.
        reported: Set when either was.
        lost: Step keys whose leases are lost.
        faults: What the next requests get instead of an answer: a status, or None for no answer at all.
        cuts: How many downloads break off half-way.
        downloads: Artifacts asked for, and from which byte on.
        token: What devices must show, if anything.
        knows_requests: Whether it knows the names of lease requests, unlike an earlier release.
        lost_answers: How many leases are given without the answer's getting through.
        given_back: Step keys of leases that were given back by withdrawing the request.
        caller: What it says of a token; None for an earlier release, which can't.
        date: Time of its clock in answers of `connection`; None for answers without a time.
    """

    def __init__(self, token: str | None = None) -> None:
        self.token = token
        self.announcements: dict[str, Announcement] = {}
        self.announced: list[Announcement] = []
        self.asked = threading.Semaphore(0)
        self.renewals: list[Progress] = []
        self.results: list[EvaluationResult] = []
        self.failures: list[StepFailure] = []
        self.reported = threading.Event()
        self.lost: set[str] = set()
        self.faults: deque[int | None] = deque()
        self.cuts = 0
        self.knows_requests = True
        self.lost_answers = 0
        self.given_back: list[str] = []
        self.caller: Caller | None = None
        self.date: datetime | None = None
        self._given: dict[str, EvaluationLease | None] = {}
        self.downloads: list[tuple[str, int]] = []
        self._artifacts: dict[str, bytes] = {}
        self._offered: deque[EvaluationLease] = deque()
        self._changed = threading.Condition()

    def store(self, *paths: Path) -> None:
        """Has these files as artifacts."""
        for path in paths:
            content = path.read_bytes()
            self._artifacts[hashlib.sha256(content).hexdigest()] = content

    def corrupt(self, reference: ArtifactRef) -> None:
        """Change the bytes of an artifact, not their number, from now on."""
        self._artifacts[reference.sha256] = b"?" * reference.size_bytes

    def offer(self, lease: EvaluationLease) -> None:
        """Offer this lease to the next device that asks."""
        with self._changed:
            self._offered.append(lease)
            self._changed.notify_all()

    def connection(self) -> httpx.Client:
        """A client that speaks to it without a network."""
        return httpx.Client(base_url="http://gateway", transport=httpx.MockTransport(self.handle))

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        if self.faults:
            status = self.faults.popleft()
            if status is None:
                raise httpx.ConnectError("connection refused", request=request)
            return httpx.Response(status, text="as the test asked")
        date = {} if self.date is None else {"Date": format_datetime(self.date, usegmt=True)}
        if request.url.path == "/health/live":
            assert "Authorization" not in request.headers, "the token is not sent before the gateway is known to be one"
            return httpx.Response(200, json={"status": "ok"}, headers=date)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return httpx.Response(401, text="no such token")
        path = request.url.path
        response = self._answer(request, path)
        return response or httpx.Response(404, text=f"no {path}")

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response | None:
        if match := _LEASE.fullmatch(path):
            return self._lease(match["device"], request)
        if match := _REPORT.fullmatch(path):
            return self._report(match["step_key"], match["verb"], request.content)
        if match := _ARTIFACT.fullmatch(path):
            return self._artifact(match["sha256"], request.headers.get("Range"))
        if (match := _REQUEST.fullmatch(path)) and request.method == "DELETE" and self.knows_requests:
            self._withdraw(match["request"])
            return httpx.Response(204)
        if path == "/v1/whoami" and self.caller is not None:
            return httpx.Response(200, content=self.caller.model_dump_json())
        return None

    def _lease(self, device: str, request: httpx.Request) -> httpx.Response:
        self.announced.append(Announcement.model_validate_json(request.content))
        self.announcements[device] = Announcement.model_validate_json(request.content)
        name = request.headers.get(LEASE_REQUEST_HEADER) if self.knows_requests else None
        with self._changed:
            self.asked.release()
            if name in self._given:
                given = self._given[name]
                return httpx.Response(204) if given is None else httpx.Response(200, content=given.model_dump_json())
            self._changed.wait_for(lambda: self._offered, float(request.url.params["wait_seconds"]))
            if not self._offered:
                return httpx.Response(204)
            lease = self._offered.popleft()
            if name is not None:
                self._given[name] = lease
            if self.lost_answers:
                self.lost_answers -= 1
                raise httpx.ReadError("the line was cut", request=request)
            return httpx.Response(200, content=lease.model_dump_json())

    def _withdraw(self, request: str) -> None:
        lease = self._given.get(request)
        if lease is not None:
            self.given_back.append(lease.step_key)
        self._given[request] = None

    def _report(self, step_key: str, verb: str, content: bytes) -> httpx.Response:
        if step_key in self.lost:
            return httpx.Response(409, text="the lease is lost")
        if verb != "renew":
            over = [name for name, lease in self._given.items() if lease is not None and lease.step_key == step_key]
            for name in over:
                del self._given[name]
        match verb:
            case "renew":
                self.renewals.append(Progress.model_validate_json(content))
            case "finish":
                self.results.append(EvaluationResult.model_validate_json(content))
                self.reported.set()
            case "fail":
                self.failures.append(StepFailure.model_validate_json(content))
                self.reported.set()
            case _:
                return httpx.Response(404, text=f"no {verb}")
        return httpx.Response(204)

    def _artifact(self, sha256: str, asked_range: str | None) -> httpx.Response:
        if sha256 not in self._artifacts:
            return httpx.Response(404, text="no such artifact")
        match = _RANGE.fullmatch(asked_range or "")
        start = int(match[1]) if match else 0
        self.downloads.append((sha256, start))
        content = self._artifacts[sha256][start:]
        status = 206 if match else 200
        if self.cuts:
            self.cuts -= 1
            return httpx.Response(status, headers={"Content-Length": str(len(content))}, content=_cut(content))
        return httpx.Response(status, content=content)


@contextmanager
def served(gateway: FakeGateway) -> Iterator[str]:
    """Serves a gateway over HTTP, and gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = httpx.Request(
                self.command, f"http://gateway{self.path}", headers=dict(self.headers), content=body
            )
            response = gateway.handle(request)
            # The client may have been stopped meanwhile; or a test has asked to cut the connection.
            with suppress(ConnectionError, httpx.ReadError):
                self.send_response(response.status_code)
                self.send_header("Content-Length", response.headers.get("Content-Length", "0"))
                self.end_headers()
                for chunk in response.iter_bytes():
                    self.wfile.write(chunk)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name for it
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _cut(content: bytes) -> Iterator[bytes]:
    yield content[: len(content) // 2]
    raise httpx.ReadError("the line was cut")

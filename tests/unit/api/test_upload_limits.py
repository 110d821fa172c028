"""Slow uploads of one user do not hold up those of another, and byte limits hold for concurrent uploads."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message

from edgepress_api.access.principal import Principal
from edgepress_api.access.tokens import create_token
from edgepress_api.datasets.uploads import DATASETS
from edgepress_api.uploads.reservations import reservation
from edgepress_api.uploads.storing import store_upload
from edgepress_api.web.http.body_limit import BodyLimit
from edgepress_api.web.uploading import UploadPlaces
from edgepress_common.errors import StorageQuotaError
from fakes.gateway_app import JSON, GatewayApp, spec_json, sqlite_gateway
from fakes.keras_files import keras_file, small_cnn
from fakes.zip_beginning import zip_of_bytes

ZIP = {"Content-Type": "application/zip"}
KERAS = {"Content-Type": "application/vnd.keras"}


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def limited(gateway: GatewayApp, max_bytes: int) -> TestClient:
    """A client of anna's, who may store so much."""
    with gateway.database.write() as session:
        token = create_token(session, gateway.now, user="anna", scopes=("submit", "read"), max_bytes=max_bytes)
    return gateway.client_with(token.text)


def stored_files(gateway: GatewayApp) -> list[Path]:
    """Return the files of the store."""
    return [path for path in (gateway.folder / "artifacts").rglob("*") if path.is_file()]


async def _answer_to(pauses: list[float], stall_seconds: float) -> int:
    """The status of a body of one byte after each of some pauses."""

    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    app = BodyLimit(Starlette(routes=[Route("/", read, methods=["POST"])]), 1000, {}, stall_seconds=stall_seconds)
    left = list(pauses)
    statuses: list[int] = []

    async def receive() -> Message:
        await anyio.sleep(left.pop(0))
        return {"type": "http.request", "body": b"x", "more_body": bool(left)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b"", "root_path": ""}
    await app(scope, receive, send)
    return statuses[0]


@pytest.mark.parametrize(("pauses", "status"), [([0.0] * 20, 200), ([0.1] * 20, 408), ([0, 5], 408)])
def test_a_body_that_trickles_is_refused(pauses: list[float], status: int) -> None:
    """Pauses add up, unless the bytes between them earn them back."""
    start = time.monotonic()
    assert anyio.run(_answer_to, pauses, 0.5) == status
    assert time.monotonic() - start < 4


def test_a_users_uploads_wait_for_one_another_alone() -> None:
    """Uploads of another user begin at once."""

    async def scenario() -> list[str]:
        places = UploadPlaces()
        began: list[str] = []
        release = anyio.Event()

        async def upload(user: str) -> None:
            async with places.place(user):
                began.append(user)
                await release.wait()

        async with anyio.create_task_group() as group:
            for user in ("anna", "anna", "anna", "anna", "ben"):
                group.start_soon(upload, user)
            await anyio.wait_all_tasks_blocked()
            found = list(began)
            release.set()
        assert sorted(began) == ["anna"] * 4 + ["ben"]
        return found

    assert anyio.run(scenario) == ["anna", "anna", "ben"]


def test_an_announced_length_is_refused_before_it_is_read(gateway: GatewayApp) -> None:
    """The upload is not read, and nothing is stored."""
    anna = limited(gateway, 1000)

    def never() -> Iterator[bytes]:
        yield b""
        pytest.fail("it was read")

    with pytest.raises(StorageQuotaError):
        store_upload(
            DATASETS, gateway.database, gateway.store, never(), name="x", now=gateway.now, announced_bytes=2000,
            by=Principal(user="anna", scopes=frozenset(), max_bytes=1000),
        )  # fmt: skip
    assert anna.post("/v1/datasets?name=x", content=zip_of_bytes(1001), headers=ZIP).status_code == 507
    assert stored_files(gateway) == []


def test_refused_models_leave_nothing(gateway: GatewayApp) -> None:
    """A model that is refused takes no space."""
    anna = limited(gateway, 60_000)
    for number in range(5):
        content = b"PK\x03\x04" + bytes([number]) * 50_000
        assert anna.post("/v1/models?name=x", content=content, headers=KERAS).status_code == 422
    assert stored_files(gateway) == []


def test_uploads_at_once_do_not_pass_the_limit(gateway: GatewayApp) -> None:
    """Eight of 400 bytes under a limit of 1000: two fit, however they overlap."""
    who = Principal(user="anna", scopes=frozenset(), max_bytes=1000)
    together = threading.Barrier(8)
    refused: list[int] = []

    def upload(number: int) -> None:
        def chunks() -> Iterator[bytes]:
            yield zip_of_bytes(200, f"{number}/1.png")
            together.wait(timeout=30)
            yield bytes(200)

        try:
            store_upload(DATASETS, gateway.database, gateway.store, chunks(), name="x", now=gateway.now, by=who)
        except StorageQuotaError:
            refused.append(number)
            together.abort()
        except threading.BrokenBarrierError:
            refused.append(number)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused
    assert sum(path.stat().st_size for path in stored_files(gateway)) <= 1000


def test_what_is_reserved_is_given_back(gateway: GatewayApp) -> None:
    """Another upload of the user sees it only while the first is active."""
    who = Principal(user="anna", scopes=frozenset(), max_bytes=1000)
    with reservation(gateway.database, who, 600):
        with pytest.raises(StorageQuotaError), reservation(gateway.database, who, 600):
            pytest.fail("both fit")
        with reservation(gateway.database, who, 400):
            pass
        with reservation(gateway.database, who.model_copy(update={"user": "ben"}), 1000):
            pass
    with reservation(gateway.database, who, 1000):
        pass


def test_uploads_are_deleted_by_their_users(gateway: GatewayApp) -> None:
    """That frees their bytes; other users keep theirs, and what is gone is not found."""
    anna, ben = limited(gateway, 1000), gateway.client_as("ben", "submit", "read")
    content = zip_of_bytes(900)
    path = anna.post("/v1/datasets?name=x", content=content, headers=ZIP).headers["location"]
    assert ben.delete(path).status_code == 404
    assert ben.post("/v1/datasets?name=x", content=content, headers=ZIP).status_code == 201
    assert gateway.client_as("anna", "read").delete(path).status_code == 403
    assert [anna.delete(path).status_code, anna.delete(path).status_code, anna.get(path).status_code] == [204, 404, 404]
    assert ben.get(path).status_code == 200
    assert anna.post("/v1/datasets?name=y", content=content, headers=ZIP).status_code == 201


@pytest.mark.parametrize("kind", ["datasets", "models"])
def test_what_active_jobs_use_is_not_deleted(gateway: GatewayApp, kind: str) -> None:
    """The answer names them; when they have ended, it goes."""
    anna = gateway.client_as("anna", "submit", "read")
    if kind == "datasets":
        path = anna.post("/v1/datasets?name=x", content=zip_of_bytes(900), headers=ZIP).headers["location"]
        spec = spec_json(dataset={"kind": "upload", "sha256": path.rpartition("/")[2], "image_size": 32})
    else:
        answer = anna.post("/v1/models?name=x", content=keras_file(small_cnn()), headers=KERAS)
        path = answer.headers["location"]
        spec = spec_json(model={"architecture": "uploaded", "sha256": path.rpartition("/")[2], "pixels": "0_to_1"})
    job: httpx.Response = anna.post("/v1/jobs", content=spec, headers=JSON)
    assert job.status_code == 202, job.text
    refused = anna.delete(path)
    assert (refused.status_code, job.json()["id"] in refused.json()["detail"]) == (409, True)
    assert anna.post(f"/v1/jobs/{job.json()['id']}/cancel").status_code == 200
    assert anna.delete(path).status_code == 204

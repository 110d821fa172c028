"""Uploads over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.gateway_app import JSON, GatewayApp, spec_json, sqlite_gateway
from fakes.zip_beginning import zip_of_bytes

ARCHIVE = zip_of_bytes(5004)
ZIP = {"Content-Type": "application/zip"}


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def in_pieces(content: bytes, size: int = 700) -> Iterator[bytes]:
    """A body whose length is not announced."""
    for at in range(0, len(content), size):
        yield content[at : at + size]


def test_an_upload_can_be_used_in_a_spec(gateway: GatewayApp) -> None:
    """The upload's answer contains the source to use in a spec."""
    response = gateway.client.post("/v1/datasets?name=pets", content=in_pieces(ARCHIVE), headers=ZIP)
    assert response.status_code == 201
    assert gateway.client.get(response.headers["location"]).json() == response.json()
    assert gateway.client.get("/v1/datasets").json() == {"datasets": [response.json()], "next_page_token": None}
    dataset = response.json()["dataset"] | {"image_size": 32}
    assert gateway.client.post("/v1/jobs", content=spec_json(dataset=dataset), headers=JSON).status_code == 202


def test_uploading_again_says_that_it_is_there(gateway: GatewayApp) -> None:
    """The status is 200, and the answer has its name."""
    first = gateway.client.post("/v1/datasets?name=pets", content=ARCHIVE, headers=ZIP)
    again = gateway.client.post("/v1/datasets?name=dogs", content=ARCHIVE, headers=ZIP)
    assert (again.status_code, again.json()) == (200, first.json())


def test_an_upload_is_cut_off_where_it_becomes_too_large(gateway: GatewayApp, tmp_path: Path) -> None:
    """This holds without a Content-Length; no bytes of it are kept."""
    response = gateway.client.post("/v1/datasets?name=x", content=in_pieces(ARCHIVE * 100), headers=ZIP)
    assert (response.status_code, response.json()["type"]) == (413, "/problems/too-large")
    assert "100000" in response.json()["detail"]
    assert not [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]


def test_an_upload_that_announces_too_much_is_refused_unread(gateway: GatewayApp) -> None:
    """The Content-Length decides."""
    response = gateway.client.post("/v1/datasets?name=x", content=ARCHIVE * 100, headers=ZIP)
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("query", "content_type", "content", "status", "said"),
    [
        ("", "application/zip", ARCHIVE, 422, "name: is required"),
        ("name=%20", "application/zip", ARCHIVE, 422, "name: is too short"),
        ("name=%00", "application/zip", ARCHIVE, 422, "name: has the wrong form"),
        ("name=x&nam=y", "application/zip", ARCHIVE, 422, "did you mean 'name'?"),
        ("name=x", "multipart/form-data; boundary=x", ARCHIVE, 415, "the archive itself as the body"),
        ("name=x", "", ARCHIVE, 415, "accepted:"),
        ("name=x", "application/zip", b"", 422, "the upload is empty"),
        ("name=x", "application/zip", b"hello", 422, "not a supported archive"),
        (
            "name=x",
            "application/zip",
            b"PK\x03\x04" + bytes(5000),
            422,
            "the zip does not contain an image; accepted: a zip",
        ),
        (
            "name=x",
            "application/zip",
            zip_of_bytes(99, "notes.txt"),
            422,
            "the zip does not contain an image (it has 'notes.txt', ...)",
        ),
    ],
)
def test_wrong_uploads_are_refused(
    gateway: GatewayApp, query: str, content_type: str, content: bytes, status: int, said: str
) -> None:
    """The error says what was wrong, and what is accepted."""
    response = gateway.client.post(f"/v1/datasets?{query}", content=content, headers={"Content-Type": content_type})
    assert response.status_code == status
    assert said in response.json()["detail"]
    assert gateway.client.get("/v1/datasets").json()["datasets"] == []

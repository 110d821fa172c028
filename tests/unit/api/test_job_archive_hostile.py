"""Archives of jobs that do harm, or say what can't be."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from edgepress_api.database import JobRow, StepRow
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.job_archives import ZIP, archive_of, changed, finished, imported, steps, zipped


@pytest.fixture
def other(tmp_path: Path) -> GatewayApp:
    """The server that an archive is imported into."""
    return sqlite_gateway(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The archive of a job of another server."""
    gateway = sqlite_gateway(tmp_path_factory.mktemp("whole"))
    return archive_of(gateway, finished(gateway))


def _set(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(fields)


def _in_step(kind: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: steps(document, kind)[0].update(fields)


def _in_result(kind: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: steps(document, kind)[0]["result"].update(fields)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set(version=2), "version '2'; accepted by Edgepress"),
        (_set(format="other"), "the format 'other'"),
        (_set(state="running"), "state"),
        (_set(name=""), "name"),
        (_set(name="\x1b]0;x\x07" * 50), "name"),
        (_set(created_at="2026-01-01T00:00:00"), "created_at"),
        (_set(finished_at="2000-01-01T00:00:00Z"), "not before the beginning"),
        (_set(pipelines=[]), "the steps of the pipelines"),
        (_set(steps=[]), "the steps of the pipelines"),
        (lambda document: document["steps"].reverse(), "does not come before it"),
        (lambda document: document["steps"].append(document["steps"][0]), "in the archive twice"),
        (lambda document: document["pipelines"].append(document["pipelines"][0]), "the same name"),
        (lambda document: document["spec"]["model"].update(architecture="unknown"), "architecture"),
        (_in_step("evaluation", inputs={}), "needs the input 'pack'"),
        (_in_step("export", result=None), "a result if it succeeded"),
        (_in_step("export", outputs={}), "with its output 'tflite'"),
        (_in_step("stage", outputs={"model": {"sha256": "0" * 64, "size_bytes": 1}}), "can't have"),
        (_in_step("pack", key="../" + "a" * 61), "key"),
        (_in_result("evaluation", accuracy=2.0), "impossible figures"),
        (_in_result("evaluation", accuracy=float("nan")), "impossible figures"),
        (_in_result("evaluation", model_sha256="0" * 64), "model_sha256"),
        (_in_result("evaluation", confusion=[[4]]), "confusion"),
        (_in_result("pack", classes=[]), "a count of 0 or more for each class"),
        (_in_result("pack", train_counts=[-1, 5]), "a count of 0 or more for each class"),
    ],
)  # fmt: skip
def test_a_job_json_that_is_not_consistent_is_refused(
    change: Callable[[dict[str, Any]], None], words: str, whole: bytes, other: GatewayApp
) -> None:
    """With the reason, and nothing is stored."""
    content = changed(whole, change)
    refused = other.client.post("/v1/jobs/archive", content=content, headers=ZIP)
    assert refused.status_code == 422, refused.text
    assert words in refused.text, refused.text
    with other.database.read() as session:
        assert session.scalars(select(JobRow.id)).all() == []
        assert session.scalars(select(StepRow.key)).all() == []


def _entries(count: int) -> bytes:
    return zipped({f"artifacts/{number:064x}": b"" for number in range(count)})


def _with_comment(content: bytes) -> bytes:
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a") as archive:
        archive.comment = b"PK\5\6" + bytes(40)
    return target.getvalue()


def _with_a_large_directory(content: bytes) -> bytes:
    place = content.rindex(b"PK\5\6")
    return content[: place + 12] + struct.pack("<I", 1 << 30) + content[place + 16 :]


def _twice(content: bytes) -> bytes:
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("job.json", b"{}")
    return target.getvalue()


def _damaged(content: bytes) -> bytes:
    """The archive with other bytes in the compressed job.json."""
    start = content.index(b"job.json") + len("job.json") + 8
    return content[:start] + b"\xff" * 40 + content[start + 40 :]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_damaged, "job.json is damaged"),
        (lambda _: b"", "it is not a zip"),
        (lambda _: b"<html>", "it is not a zip"),
        (lambda content: content[: len(content) // 2], "it is not a zip"),
        (lambda content: content + b"x", "it is not a zip"),
        (_with_comment, "has more bytes after the zip"),
        (_with_a_large_directory, "has"),
        (_twice, "twice"),
        (lambda _: _entries(20_001), "20001 files"),
        (lambda _: zipped({"../job.json": b"{}"}), "'../job.json'"),
        (lambda _: zipped({"/etc/passwd": b"{}"}), "'/etc/passwd'"),
        (lambda _: zipped({"artifacts/" + "A" * 64: b""}), "artifacts/<SHA-256>"),
        (lambda _: _entries(1), "has no job.json"),
        (lambda _: zipped({"job.json": b"{"}), "can't be read as JSON"),
        (lambda _: zipped({"job.json": b"[" * 100_000}), "can't be read as JSON"),
        (lambda _: zipped({"job.json": b"[]"}), "the format 'None'"),
        (lambda _: zipped({"job.json": b" " * ((64 << 20) + 1)}), "too large"),
        (lambda _: zipped({"job.json": b"[" + b"1," * 4_000_000 + b"1]"}), "too large"),
    ],
)
def test_a_hostile_zip_is_refused(make: Callable[[bytes], bytes], words: str, whole: bytes, tmp_path: Path) -> None:
    """Before its content is in memory or on the disk."""
    gateway = sqlite_gateway(tmp_path, max_upload_bytes=50_000_000)
    refused = gateway.client.post("/v1/jobs/archive", content=make(whole), headers=ZIP)
    assert (refused.status_code, words in refused.json()["detail"]) == (422, True), refused.text


def test_a_member_that_expands_beyond_its_size_is_cut_off(whole: bytes, other: GatewayApp) -> None:
    """The zip and job.json state a small size; the bytes are many more."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        name = next(name for name in archive.namelist() if name != "job.json")
        size = archive.getinfo(name).file_size
    bomb = changed(whole, lambda _: None, **{name: bytes(1_000_000)})
    lying = bomb.replace(struct.pack("<I", 1_000_000), struct.pack("<I", size))
    assert lying != bomb
    refused = other.client.post("/v1/jobs/archive", content=lying, headers=ZIP)
    assert (refused.status_code, name.removeprefix("artifacts/") in refused.json()["detail"]) == (422, True)


def test_recipients_in_an_archive_are_left_out(whole: bytes, other: GatewayApp) -> None:
    """An import notifies no one, and does not store what its author calls secrets."""
    recipient = {"kind": "chat", "url": "https://hooks.example.com/secret"}
    content = changed(whole, lambda document: document["spec"].update(notify=[recipient]))
    new_id = imported(other, content)
    assert other.client.get(f"/v1/jobs/{new_id}/notifications").json() == {"recipients": [], "messages": []}
    with other.database.read() as session:
        assert session.scalars(select(JobRow.spec)).one().notify == ()

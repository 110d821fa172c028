"""Large files over lines that break."""

import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from edgepress_common.errors import StepCancelledError, UnavailableError
from edgepress_worker.datasets.download import Downloader, RemoteFile, one_at_a_time
from edgepress_worker.datasets.meter import Meter
from fakes.cutting_server import CuttingServer, cutting_server
from fakes.step_context import PlainContext

CONTENT = bytes(range(256)) * 400
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[CuttingServer]:
    """A server with the file."""
    with cutting_server() as running:
        running.files["/set.zip"] = CONTENT
        yield running


class Waits(list[float]):
    """A sleep that only notes how long it would have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def fetch(url: str, folder: Path, context: PlainContext, waits: Waits | None = None, md5: str = MD5) -> Path:
    """Fetches the file, by name."""
    with httpx.Client(trust_env=False) as client:
        downloader = Downloader(client, Waits() if waits is None else waits)
        return downloader.fetch(RemoteFile("set.zip", f"{url}/set.zip", md5), folder, Meter(context))


def test_a_file_arrives_whole_with_progress(tmp_path: Path, server: CuttingServer, context: PlainContext) -> None:
    """The file is verified, has its name, and no other file is left."""
    path = fetch(server.url, tmp_path, context)
    assert path == tmp_path / "set.zip"
    assert path.read_bytes() == CONTENT
    assert {entry.name for entry in tmp_path.iterdir()} == {"set.zip", "context"}
    fractions = [report.fraction for report in context.reports]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    messages = [report.message for report in context.reports]
    assert messages[-1] == "verifying set.zip"
    assert "downloading set.zip: 0.00 of 0.00 GB" in messages


def test_an_existing_file_is_not_requested(tmp_path: Path, server: CuttingServer, context: PlainContext) -> None:
    """The file may have been put there by a user."""
    (tmp_path / "set.zip").write_bytes(b"by hand")
    assert fetch(server.url, tmp_path, context).read_bytes() == b"by hand"
    assert server.ranges == []


def test_a_cut_connection_is_taken_up_where_it_broke(
    tmp_path: Path, server: CuttingServer, context: PlainContext
) -> None:
    """The download resumes after each break while it makes progress."""
    server.cut_after = 9_000
    assert fetch(server.url, tmp_path, context).read_bytes() == CONTENT
    assert len(server.ranges) == 12
    assert server.ranges[:3] == [None, "bytes=9000-", "bytes=18000-"]


def test_what_an_earlier_attempt_received_is_kept(tmp_path: Path, server: CuttingServer, context: PlainContext) -> None:
    """A worker that was killed has not loaded for nothing."""
    (tmp_path / "set.zip.part").write_bytes(CONTENT[:50_000])
    assert fetch(server.url, tmp_path, context).read_bytes() == CONTENT
    assert server.ranges == ["bytes=50000-"]


def test_an_attempt_that_had_all_but_the_name_only_verifies(
    tmp_path: Path, server: CuttingServer, context: PlainContext
) -> None:
    """The server answers with 416, which is correct."""
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    assert fetch(server.url, tmp_path, context).read_bytes() == CONTENT


def test_a_server_that_cannot_go_on_restarts(tmp_path: Path, server: CuttingServer, context: PlainContext) -> None:
    """It answers 200 instead of 206: the bytes are the first ones."""
    server.honours_ranges = False
    (tmp_path / "set.zip.part").write_bytes(b"x" * 50_000)
    assert fetch(server.url, tmp_path, context).read_bytes() == CONTENT


def test_a_server_that_is_busy_is_asked_again(tmp_path: Path, server: CuttingServer, context: PlainContext) -> None:
    """Pauses between the requests grow, and are reported as progress."""
    server.failures = [503, 429, 500]
    waits = Waits()
    assert fetch(server.url, tmp_path, context, waits).read_bytes() == CONTENT
    assert sum(waits) == 1 + 2 + 4
    assert "set.zip: returned the status 503; retrying" in [report.message for report in context.reports]


def test_a_file_with_another_checksum_is_not_kept(tmp_path: Path, server: CuttingServer, context: PlainContext) -> None:
    """Neither under its name nor as a beginning to go on from."""
    with pytest.raises(UnavailableError, match=f"MD5 {MD5}; accepted: the published {'0' * 32}"):
        fetch(server.url, tmp_path, context, md5="0" * 32)
    assert {entry.name for entry in tmp_path.iterdir()} == {"context"}


def test_a_file_that_is_not_there_is_told_at_once(tmp_path: Path, server: CuttingServer, context: PlainContext) -> None:
    """Asking again would not help."""
    server.files.clear()
    with pytest.raises(UnavailableError, match=r"/set\.zip returned the status 404"):
        fetch(server.url, tmp_path, context)
    assert len(server.ranges) == 1


def test_without_a_network_the_wait_is_short(tmp_path: Path, context: PlainContext) -> None:
    """Four tries within seven seconds; what had arrived before stays."""
    (tmp_path / "set.zip.part").write_bytes(CONTENT[:1000])
    waits = Waits()
    with pytest.raises(UnavailableError, match="refused"):
        fetch("http://127.0.0.1:9", tmp_path, context, waits)
    assert sum(waits) == 7
    assert (tmp_path / "set.zip.part").read_bytes() == CONTENT[:1000]


def test_a_download_is_cancelled_and_can_go_on_later(
    tmp_path: Path, server: CuttingServer, context: PlainContext
) -> None:
    """While it waits to try again, too."""
    server.cut_after = 9_000

    def cancel(_: float) -> None:
        context.cancelled = True

    with httpx.Client(trust_env=False) as client, pytest.raises(StepCancelledError):
        Downloader(client, cancel).fetch(RemoteFile("set.zip", f"{server.url}/set.zip", MD5), tmp_path, Meter(context))
    assert 9_000 <= (tmp_path / "set.zip.part").stat().st_size <= 18_000
    context.cancelled = False
    assert fetch(server.url, tmp_path, context).read_bytes() == CONTENT


def test_steps_that_need_the_same_file_take_turns(tmp_path: Path, context: PlainContext) -> None:
    """The second waits, visibly, until the first is done; then it goes on."""
    folder = tmp_path / "downloads"
    with one_at_a_time(folder, "set", Meter(context)):
        pass
    with (folder / ".set.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def other_ends(_: float) -> None:
            fcntl.flock(other, fcntl.LOCK_UN)

        with one_at_a_time(folder, "set", Meter(context), sleep=other_ends):
            assert [report.message for report in context.reports] == ["waiting for another step that downloads set"]

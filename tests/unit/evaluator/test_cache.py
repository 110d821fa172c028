"""The folder of fetched artifacts."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from edgepress_common.artifacts import ArtifactRef, CorruptArtifactError
from edgepress_evaluator.cache import ArtifactCache, DeviceProblemError


class Source:
    """Downloads artifacts of ten equal bytes, and remembers which."""

    def __init__(self) -> None:
        self.downloads: list[str] = []
        self.contents: dict[str, bytes] = {}

    def has(self, letter: str) -> ArtifactRef:
        content = letter.encode() * 10
        sha256 = hashlib.sha256(content).hexdigest()
        self.contents[sha256] = content
        return ArtifactRef(sha256=sha256, size_bytes=len(content))

    def download(self, reference: ArtifactRef, target: Path) -> None:
        content = self.contents[reference.sha256]
        self.downloads.append(content.decode()[0])
        target.write_bytes(content)


@pytest.fixture
def source() -> Source:
    return Source()


def _age(folder: Path, reference: ArtifactRef, seconds: int) -> None:
    path = folder / reference.sha256
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))


def test_artifact_is_downloaded_once(tmp_path: Path, source: Source) -> None:
    """The second time, and in the next process, it is there."""
    reference = source.has("a")
    for cache in (ArtifactCache(tmp_path, 100), ArtifactCache(tmp_path, 100)):
        for _ in range(2):
            (path,) = cache.fetch([reference], source.download)
            assert path.read_bytes() == b"a" * 10

    assert source.downloads == ["a"]


def test_least_recently_used_goes_first(tmp_path: Path, source: Source) -> None:
    """There is space for three: of a, b and c, b was used longest ago, since a was used again."""
    a, b, c, d = map(source.has, "abcd")
    cache = ArtifactCache(tmp_path, 30)
    cache.fetch([a], source.download)
    cache.fetch([b], source.download)
    cache.fetch([c], source.download)
    _age(tmp_path, a, 30)
    _age(tmp_path, b, 20)
    _age(tmp_path, c, 10)
    cache.fetch([a], source.download)

    cache.fetch([d], source.download)

    assert {path.name for path in tmp_path.iterdir()} == {a.sha256, c.sha256, d.sha256}


def test_what_is_asked_for_is_kept_even_past_the_limit(tmp_path: Path, source: Source) -> None:
    """The three artifacts of an evaluation are kept, at any limit; they are removed when others are requested."""
    first, second = [source.has(letter) for letter in "abc"], [source.has("d")]
    cache = ArtifactCache(tmp_path, 15)

    paths = cache.fetch(first, source.download)
    assert all(path.is_file() for path in paths)

    cache.fetch(second, source.download)
    assert [path.name for path in tmp_path.iterdir()] == [second[0].sha256]


def test_wrong_bytes_are_not_kept(tmp_path: Path, source: Source) -> None:
    """Bytes that do not match their name are an error, and are fetched again the next time."""
    reference = source.has("a")
    cache = ArtifactCache(tmp_path, 100)

    def deliver_wrong(_: ArtifactRef, target: Path) -> None:
        target.write_bytes(b"wrong")

    with pytest.raises(CorruptArtifactError, match=reference.sha256):
        cache.fetch([reference], deliver_wrong)

    assert list(tmp_path.iterdir()) == []
    assert cache.fetch([reference], source.download)[0].read_bytes() == b"a" * 10


def test_file_gone_bad_is_fetched_again(tmp_path: Path, source: Source) -> None:
    """A process verifies what an earlier one left."""
    reference = source.has("a")
    (path,) = ArtifactCache(tmp_path, 100).fetch([reference], source.download)
    path.write_bytes(b"b" * 10)

    assert ArtifactCache(tmp_path, 100).fetch([reference], source.download)[0].read_bytes() == b"a" * 10


def test_unfinished_download_is_gone_on_with(tmp_path: Path, source: Source) -> None:
    """A partial file of an interrupted download is passed to the next one."""
    reference = source.has("a")

    def break_off(_: ArtifactRef, target: Path) -> None:
        target.write_bytes(b"a" * 4)
        raise InterruptedError

    def go_on(_: ArtifactRef, target: Path) -> None:
        with target.open("ab") as file:
            file.write(b"a" * 6)

    with pytest.raises(InterruptedError):
        ArtifactCache(tmp_path, 100).fetch([reference], break_off)

    assert ArtifactCache(tmp_path, 100).fetch([reference], go_on)[0].read_bytes() == b"a" * 10


def test_unfinished_downloads_count_and_go_too(tmp_path: Path, source: Source) -> None:
    """They may never be requested again."""
    reference = source.has("a")
    (tmp_path / ("f" * 64 + ".part")).write_bytes(b"x" * 50)

    ArtifactCache(tmp_path, 20).fetch([reference], source.download)

    assert [path.name for path in tmp_path.iterdir()] == [reference.sha256]


def test_on_a_full_disk_others_are_evicted_first(tmp_path: Path, source: Source) -> None:
    """However much the limit allows: what can't be stored otherwise is stored in their place."""
    a, b = source.has("a"), source.has("b")
    cache = ArtifactCache(tmp_path, 1 << 60, free_bytes=lambda _: 0 if (tmp_path / a.sha256).exists() else 10)
    cache.fetch([a], source.download)
    assert cache.problem() is None
    cache.fetch([b], source.download)
    assert {path.name for path in tmp_path.iterdir()} == {b.sha256}


def test_a_disk_that_is_too_full_is_the_devices_problem(tmp_path: Path, source: Source) -> None:
    """It lasts until there is space for what did not fit; nothing is downloaded meanwhile."""
    free = 3
    cache = ArtifactCache(tmp_path, 1 << 60, free_bytes=lambda _: free)
    with pytest.raises(DeviceProblemError, match=r"too full: an evaluation needs 0\.0 MB"):
        cache.fetch([source.has("a")], source.download)
    assert "too full" in str(cache.problem())
    assert source.downloads == []
    free = 10
    assert cache.problem() is None
    cache.fetch([source.has("a")], source.download)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES])
def test_a_disk_that_fails_while_it_is_written_is_the_devices_problem(
    tmp_path: Path, source: Source, number: int
) -> None:
    """A memory card becomes read-only when it wears out."""

    def fail(_: ArtifactRef, target: Path) -> None:
        raise OSError(number, os.strerror(number), str(target))

    with pytest.raises(DeviceProblemError, match=f"can't be written: {os.strerror(number)}"):
        ArtifactCache(tmp_path, 100).fetch([source.has("a")], fail)


def test_a_folder_on_a_read_only_disk_is_a_problem() -> None:
    """It is noticed without writing a file."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    disk = next((mount[1] for mount in mounts if "ro" in mount[3].split(",") and Path(mount[1]).is_dir()), None)
    if disk is None:
        pytest.skip("this machine has no read-only disk")
    assert str(ArtifactCache(Path(disk, "edgepress"), 100).problem()).endswith(
        "can't be written: Read-only file system"
    )


def test_a_folder_that_does_not_exist_yet_is_not_a_problem(tmp_path: Path) -> None:
    """It is created with the first artifact."""
    assert ArtifactCache(tmp_path / "not" / "yet", 100).problem() is None

"""CIFAR-10: downloaded once, read from records. The archive here is made up, in the layout of the real one."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError, UnavailableError
from edgepress_common.spec import Cifar10Dataset
from edgepress_worker.datasets.cifar10 import ARCHIVE, Cifar10Source
from edgepress_worker.datasets.download import RemoteFile
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.datasets.source import TEST, TRAIN, LabelledSet, Workplace
from edgepress_worker.environment import Environment
from fakes.cutting_server import CuttingServer, cutting_server
from fakes.step_context import PlainContext

IMAGES = 12  # of each file
FILES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")


def records(seed: int) -> bytes:
    """Return records of random images, with the labels 0 to 9, 0 and 1."""
    pixels = np.random.default_rng(seed).integers(0, 256, (IMAGES, 3072), dtype=np.uint8)
    labels = (np.arange(IMAGES) % 10).astype(np.uint8)[:, np.newaxis]
    return np.concatenate([labels, pixels], axis=1).tobytes()


def archive_of(files: dict[str, bytes]) -> bytes:
    """Return an archive with these files in the folder of the real one."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


@dataclass
class Published:
    """A replacement of the published archive: its server, and a source with its address and checksum."""

    server: CuttingServer
    source: Cifar10Source


@pytest.fixture
def published() -> Iterator[Published]:
    """Six files of twelve images."""
    content = archive_of({name: records(seed) for seed, name in enumerate(FILES)} | {"batches.meta.txt": b"airplane\n"})
    with cutting_server() as server:
        server.files[f"/{ARCHIVE.name}"] = content
        file = RemoteFile(ARCHIVE.name, f"{server.url}/{ARCHIVE.name}", hashlib.md5(content).hexdigest())
        yield Published(server, Cifar10Source(file, sleep=lambda _: None))


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """A workplace with an empty folder for downloads."""
    context = PlainContext(tmp_path / "context")
    environment = Environment(dataset_roots=(), downloads=tmp_path / "downloads")
    return Workplace(environment, context.store, context.scratch, Meter(context))


def opened(source: Cifar10Source, workplace: Workplace) -> LabelledSet:
    """The set as a packing would get it."""
    with source.open(Cifar10Dataset(), workplace) as labelled:
        return labelled


def test_the_archive_is_downloaded_once_and_its_test_batch_is_the_test_split(
    published: Published, workplace: Workplace
) -> None:
    """Over a line that breaks; the labels, names and parts of all images are those of the records."""
    published.server.cut_after = 100_000
    labelled = opened(published.source, workplace)

    assert len(labelled.classes) == 10
    assert labelled.classes[:2] == ("airplane", "automobile")
    assert labelled.labels.tolist() == [*range(10), 0, 1] * 6
    assert labelled.parts.tolist() == [TRAIN] * 60 + [TEST] * 12
    assert (labelled.names[0], labelled.names[-1]) == ("data_batch_1.bin[0]", "test_batch.bin[11]")
    asked = len(published.server.ranges)
    assert opened(published.source, workplace).names == labelled.names
    assert len(published.server.ranges) == asked


def test_an_image_is_its_three_colours(published: Published, workplace: Workplace) -> None:
    """The records have all red values first; a pixel has red, green and blue."""
    images = list(opened(published.source, workplace).images)

    assert len(images) == 72
    found = np.asarray(images[-1].open(images[-1].read()))
    expected = np.frombuffer(records(5), np.uint8).reshape(IMAGES, 3073)[-1, 1:].reshape(3, 32, 32)
    assert found.shape == (32, 32, 3)
    for channel in range(3):
        assert (found[..., channel] == expected[channel]).all()


def test_an_archive_that_was_put_there_is_used(workplace: Workplace) -> None:
    """Without a network, and without its checksum."""
    downloads = workplace.environment.downloads
    downloads.mkdir()
    (downloads / ARCHIVE.name).write_bytes(archive_of({name: records(0) for name in FILES}))

    assert len(opened(Cifar10Source(), workplace).labels) == 72


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"data_batch_1.bin": b"x" * 3072}, "data_batch_1.bin has 3072 bytes; accepted: a multiple of 3073"),
        ({"data_batch_1.bin": b""}, "data_batch_1.bin has 0 bytes"),
        ({"data_batch_1.bin": b"\x0a" * 3073}, "data_batch_1.bin has the label 10; accepted: 0 to 9"),
        ({"other.bin": b""}, "data_batch_1.bin' not found"),
    ],
)
def test_an_archive_of_another_layout_is_refused(workplace: Workplace, files: dict[str, bytes], message: str) -> None:
    """The error names the archive, the file and what is accepted."""
    downloads = workplace.environment.downloads
    downloads.mkdir()
    (downloads / ARCHIVE.name).write_bytes(archive_of(files))

    with pytest.raises(InvalidInputError, match=message) as caught:
        opened(Cifar10Source(), workplace)
    assert str(downloads / ARCHIVE.name) in str(caught.value)


def test_without_a_network_the_error_says_what_to_download(published: Published, workplace: Workplace) -> None:
    """It also says where to put the file."""
    published.server.files.clear()

    with pytest.raises(UnavailableError, match=f"put it at .*{ARCHIVE.name}"):
        opened(published.source, workplace)

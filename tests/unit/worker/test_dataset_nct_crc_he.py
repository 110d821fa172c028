"""The paper's own data set: downloaded once, or used as it was put there."""

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError, UnavailableError
from edgepress_common.spec import NctCrcHeDataset
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.datasets.nct_crc_he import NctCrcHeSource
from edgepress_worker.datasets.source import LabelledSet, Workplace
from edgepress_worker.run import Environment
from fakes.cutting_server import CuttingServer, cutting_server
from fakes.image_folders import write_class_folders
from fakes.step_context import PlainContext

CLASSES = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
TRAINING, VALIDATION = "NCT-CRC-HE-100K", "CRC-VAL-HE-7K"


@dataclass
class Zenodo:
    """The record's stand-in: its server, and a source that knows its address and checksums."""

    server: CuttingServer
    source: NctCrcHeSource


@pytest.fixture
def zenodo(tmp_path: Path) -> Iterator[Zenodo]:
    """Two small archives, laid out as the real ones."""
    with cutting_server() as server:
        checksums = {}
        for name, count in ((TRAINING, 3), (VALIDATION, 1)):
            folder = write_class_folders(tmp_path / "published" / name, dict.fromkeys(CLASSES, count), suffix=".tif")
            archive = tmp_path / "published" / f"{name}.zip"
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
                for path in sorted(folder.rglob("*")):
                    target.write(path, path.relative_to(folder.parent))
            server.files[f"/{name}.zip"] = archive.read_bytes()
            checksums[name] = hashlib.md5(archive.read_bytes()).hexdigest()
        yield Zenodo(server, NctCrcHeSource(server.url, checksums, sleep=lambda _: None))


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """With an empty folder for downloads."""
    context = PlainContext(tmp_path / "context")
    environment = Environment(dataset_roots=(), downloads=tmp_path / "downloads")
    return Workplace(environment, context.store, context.scratch, Meter(context))


def opened(source: NctCrcHeSource, workplace: Workplace, training_set: str = TRAINING) -> LabelledSet:
    """The set as a packing would get it."""
    dataset = NctCrcHeDataset.model_validate({"training_set": training_set})
    with source.open(dataset, workplace) as labelled:
        return labelled


def test_what_is_missing_is_downloaded_once(zenodo: Zenodo, workplace: Workplace) -> None:
    """Over a line that breaks; unpacked, and there for the next job."""
    zenodo.server.cut_after = 7_000
    labelled = opened(zenodo.source, workplace)
    assert labelled.classes == CLASSES
    assert np.bincount(labelled.labels).tolist() == [4] * 9
    assert labelled.validates is not None
    assert [name.split("/")[0] for name in labelled.names] == [TRAINING] * 27 + [VALIDATION] * 9
    assert labelled.validates.tolist() == [False] * 27 + [True] * 9
    assert labelled.names[0] == f"{TRAINING}/ADI/000.tif"
    for image in labelled.images:
        image.open().load()
    downloads = workplace.environment.downloads
    visible = {path.name for path in downloads.iterdir() if not path.name.startswith(".")}
    assert visible == {TRAINING, VALIDATION, f"{TRAINING}.zip", f"{VALIDATION}.zip"}
    asked = len(zenodo.server.ranges)
    assert opened(zenodo.source, workplace).names == labelled.names
    assert len(zenodo.server.ranges) == asked


def test_folders_that_were_put_there_are_used_as_they_are(zenodo: Zenodo, workplace: Workplace) -> None:
    """Whatever they hold; nothing is asked for, nothing written."""
    for name in (TRAINING, VALIDATION):
        write_class_folders(workplace.environment.downloads / name, {"ADI": 2, "TUM": 1})
    assert opened(zenodo.source, workplace).classes == ("ADI", "TUM")
    assert zenodo.server.ranges == []
    assert {path.name for path in workplace.environment.downloads.iterdir()} == {TRAINING, VALIDATION}


def test_archives_that_were_put_there_are_used_as_they_are(zenodo: Zenodo, workplace: Workplace) -> None:
    """Without a network, and though no checksum is known of them."""
    downloads = workplace.environment.downloads
    downloads.mkdir()
    for name in (TRAINING, VALIDATION):
        (downloads / f"{name}.zip").write_bytes(zenodo.server.files[f"/{name}.zip"])
    elsewhere = NctCrcHeSource("http://127.0.0.1:9", sleep=lambda _: None)
    assert len(opened(elsewhere, workplace).names) == 36


def test_without_a_network_the_message_says_what_to_do(workplace: Workplace) -> None:
    """Which file, from where, and where to put it, packed or unpacked."""
    source = NctCrcHeSource("http://127.0.0.1:9", sleep=lambda _: None)
    with pytest.raises(UnavailableError) as error:
        opened(source, workplace, training_set=f"{TRAINING}-NONORM")
    downloads = workplace.environment.downloads
    for said in (
        f"http://127.0.0.1:9/{TRAINING}-NONORM.zip",
        f"{downloads}/{TRAINING}-NONORM.zip",
        f"{downloads}/{TRAINING}-NONORM/<class>/",
    ):
        assert said in str(error.value)


def test_an_archive_that_is_damaged_says_so(zenodo: Zenodo, workplace: Workplace) -> None:
    """And leaves no half-unpacked folder that would be taken for the whole next time."""
    downloads = workplace.environment.downloads
    downloads.mkdir()
    content = zenodo.server.files[f"/{TRAINING}.zip"]
    middle = len(content) // 2
    (downloads / f"{TRAINING}.zip").write_bytes(
        content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    )
    with pytest.raises(InvalidInputError, match=r"NCT-CRC-HE-100K\.zip can't be read .*; remove it, and it will be"):
        opened(zenodo.source, workplace)
    assert [path.name for path in downloads.iterdir() if path.is_dir()] == []


def test_the_published_checksums_cover_every_training_set() -> None:
    """And the validation set; each is an MD5."""
    names = {TRAINING, f"{TRAINING}-NONORM", VALIDATION}
    source = NctCrcHeSource()
    assert set(source.checksums) == names
    assert all(len(bytes.fromhex(checksum)) == 16 for checksum in source.checksums.values())
    assert httpx.URL(source.base_url).path == "/records/1214456/files"

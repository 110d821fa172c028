"""The paper's own data set: downloaded once, or used from a folder of the user."""

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
from edgepress_worker.datasets.source import TEST, TRAIN, VALIDATION, LabelledSet, Workplace
from edgepress_worker.datasets.split import split_set
from edgepress_worker.environment import Environment
from fakes.cutting_server import CuttingServer, cutting_server
from fakes.image_folders import write_class_folders
from fakes.step_context import PlainContext

CLASSES = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
TRAINING, VALIDATING = "NCT-CRC-HE-100K", "CRC-VAL-HE-7K"


@dataclass
class Zenodo:
    """A replacement of the record: its server, and a source with its address and checksums."""

    server: CuttingServer
    source: NctCrcHeSource


@pytest.fixture
def zenodo(tmp_path: Path) -> Iterator[Zenodo]:
    """Two small archives, laid out as the real ones."""
    with cutting_server() as server:
        checksums = {}
        for name, count in ((TRAINING, 3), (VALIDATING, 1)):
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
    """A workplace with an empty folder for downloads."""
    context = PlainContext(tmp_path / "context")
    environment = Environment(dataset_roots=(), downloads=tmp_path / "downloads")
    return Workplace(environment, context.store, context.scratch, Meter(context))


def opened(source: NctCrcHeSource, workplace: Workplace, training_set: str = TRAINING, **other: str) -> LabelledSet:
    """The set as a packing would get it."""
    dataset = NctCrcHeDataset.model_validate({"training_set": training_set} | other)
    with source.open(dataset, workplace) as labelled:
        return labelled


def test_what_is_missing_is_downloaded_once(zenodo: Zenodo, workplace: Workplace) -> None:
    """Over a line that breaks; unpacked, and there for the next job."""
    zenodo.server.cut_after = 7_000
    labelled = opened(zenodo.source, workplace)
    assert labelled.classes == CLASSES
    assert np.bincount(labelled.labels).tolist() == [4] * 9
    assert [name.split("/")[0] for name in labelled.names] == [TRAINING] * 27 + [VALIDATING] * 9
    assert labelled.parts.tolist() == [TRAIN] * 27 + [VALIDATION] * 9
    assert labelled.names[0] == f"{TRAINING}/ADI/000.tif"
    for image in labelled.images:
        image.open(image.read()).load()
    downloads = workplace.environment.downloads
    visible = {path.name for path in downloads.iterdir() if not path.name.startswith(".")}
    assert visible == {TRAINING, VALIDATING, f"{TRAINING}.zip", f"{VALIDATING}.zip"}
    asked = len(zenodo.server.ranges)
    assert opened(zenodo.source, workplace).names == labelled.names
    assert len(zenodo.server.ranges) == asked


def test_the_tiles_of_other_patients_may_be_the_test_split(
    zenodo: Zenodo, workplace: Workplace, tmp_path: Path
) -> None:
    """It never moves: another seed only changes which training tiles validate; by default all is as it was."""
    labelled = opened(zenodo.source, workplace, validation="split")
    assert labelled.parts.tolist() == [TRAIN] * 27 + [TEST] * 9
    names = [
        {
            label: {name for name, part in zip(labelled.names, parts, strict=True) if part == label}
            for label in (TRAIN, VALIDATION, TEST)
        }
        for parts in (split_set(labelled, validation_fraction=0.3, test_fraction=0, seed=seed) for seed in (0, 1))
    ]
    for split in names:
        assert split[TEST] == {name for name in labelled.names if name.startswith(VALIDATING)}
        assert (len(split[TRAIN]), len(split[VALIDATION])) == (18, 9)
    assert names[0][VALIDATION] != names[1][VALIDATION]
    plain = NctCrcHeDataset()
    assert plain.model_dump() == NctCrcHeDataset(validation=VALIDATING, validation_fraction=0.2).model_dump()
    assert plain.model_dump().keys() == {"kind", "image_size", "max_unreadable_share", "training_set"}


def test_folders_that_were_put_there_are_used_as_they_are(zenodo: Zenodo, workplace: Workplace) -> None:
    """Their content is not verified; no request is sent, no file is written."""
    for name in (TRAINING, VALIDATING):
        write_class_folders(workplace.environment.downloads / name, {"ADI": 2, "TUM": 1})
    assert opened(zenodo.source, workplace).classes == ("ADI", "TUM")
    assert zenodo.server.ranges == []
    assert {path.name for path in workplace.environment.downloads.iterdir()} == {TRAINING, VALIDATING}


def test_archives_that_were_put_there_are_used_as_they_are(zenodo: Zenodo, workplace: Workplace) -> None:
    """This works without a network, and without known checksums."""
    downloads = workplace.environment.downloads
    downloads.mkdir()
    for name in (TRAINING, VALIDATING):
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
    """No incomplete folder is left that the next run would use as complete."""
    downloads = workplace.environment.downloads
    downloads.mkdir()
    content = zenodo.server.files[f"/{TRAINING}.zip"]
    middle = len(content) // 2
    (downloads / f"{TRAINING}.zip").write_bytes(
        content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    )
    with pytest.raises(
        InvalidInputError, match=r"NCT-CRC-HE-100K\.zip can't be read .*; remove the file to download it again"
    ):
        opened(zenodo.source, workplace)
    assert [path.name for path in downloads.iterdir() if path.is_dir()] == []


def test_the_published_checksums_cover_every_training_set() -> None:
    """The validation set has one too; each is an MD5."""
    names = {TRAINING, f"{TRAINING}-NONORM", VALIDATING}
    source = NctCrcHeSource()
    assert set(source.checksums) == names
    assert all(len(bytes.fromhex(checksum)) == 16 for checksum in source.checksums.values())
    assert httpx.URL(source.base_url).path == "/records/1214456/files"

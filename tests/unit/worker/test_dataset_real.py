"""Real photographs and tissue images, from a folder that is given; they are not part of the project."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgepress_common.spec import FolderDataset
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.environment import Environment
from edgepress_worker.pack import LabelledImages, Pack
from fakes.step_context import PlainContext

DATA = os.environ.get("EDGEPRESS_TEST_DATA")

pytestmark = pytest.mark.skipif(
    DATA is None, reason="needs EDGEPRESS_TEST_DATA, a folder with pbc8/ and nct_crc_mini/ in it"
)


def packed(name: str, side: int, folder: Path) -> Pack:
    """Packs one of the real sets."""
    root = Path(DATA or "") / name
    context = PlainContext(folder)
    environment = Environment(dataset_roots=(root,), downloads=folder / "none")
    outputs, result = pack_dataset(FolderDataset(path=str(root), image_size=side), context, environment)
    assert result.unreadable_count == 0
    return Pack.open(outputs, result, context.store)


def test_blood_cells_are_what_plain_pillow_makes_of_them(tmp_path: Path) -> None:
    """All 6,400 photographs, in order, bit for bit."""
    pack = packed("pbc8", 64, tmp_path)

    def check(part: LabelledImages, name: str) -> None:
        files = [
            file for label in pack.classes for file in sorted((Path(DATA or "") / "pbc8" / name / label).iterdir())
        ]
        for image, label, file in zip(part.images, part.labels, files, strict=True):
            plain = Image.open(file).convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
            assert np.array_equal(image, np.asarray(plain)), file
            assert pack.classes[label] == file.parent.name

    check(pack.train, "train")
    check(pack.validation, "validation")
    assert (len(pack.train), len(pack.validation)) == (4800, 1600)


def test_tissue_is_read_tiffs_included(tmp_path: Path) -> None:
    """The paper's nine classes, at the paper's size, where resizing changes nothing."""
    pack = packed("nct_crc_mini", 224, tmp_path)
    assert pack.classes == ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
    assert len(pack.train) + len(pack.validation) == 88
    found = {image.tobytes() for part in (pack.train, pack.validation) for image in part.images}
    tiffs = sorted((Path(DATA or "") / "nct_crc_mini").rglob("*.tif"))
    assert len(tiffs) == 18
    assert {np.asarray(Image.open(file).convert("RGB")).tobytes() for file in tiffs} <= found

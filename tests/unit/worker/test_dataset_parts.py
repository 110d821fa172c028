"""The parts of a set: a third for tests, and groups that stand in one part each."""

import os
from dataclasses import fields
from pathlib import Path

import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_common.layout import folder_fingerprint
from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult
from edgepress_common.spec import FolderDataset
from edgepress_common.spec.groups import GroupsByTable
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.environment import Environment
from edgepress_worker.pack import LabelledImages, Pack
from fakes.image_folders import write_class_folders
from fakes.step_context import PlainContext

SIDE = 16
COUNTS = {"ant": 5, "bee": 10, "cat": 15}


def packed(root: Path, context: PlainContext, **parameters: object) -> tuple[dict[str, str], Outputs, PackResult]:
    """Packs a folder; what the artifacts are named by, the artifacts, and what was found."""
    dataset = FolderDataset.model_validate({"path": str(root), "image_size": SIDE} | parameters)
    environment = Environment(dataset_roots=(root.parent,), downloads=root.parent / "none")
    outputs, result = pack_dataset(dataset, context, environment)
    return {name: reference.sha256 for name, reference in outputs.items()}, outputs, result


def test_a_test_folder_is_a_third_part(tmp_path: Path, context: PlainContext) -> None:
    """It has its own artifacts; training and validation are the same as without it."""
    write_class_folders(tmp_path / "set" / "train", {"a": 3, "b": 2})
    write_class_folders(tmp_path / "set" / "val", {"a": 1, "b": 4}, seed=77)
    before, _, result = packed(tmp_path / "set", context)
    assert result.test_counts is None
    assert sorted(before) == [
        "train_images", "train_labels", "validation_images", "validation_images_coded", "validation_labels",
    ]  # fmt: skip
    write_class_folders(tmp_path / "set" / "Testing", {"a": 2, "b": 1}, seed=99)
    after, outputs, result = packed(tmp_path / "set", context)
    assert result.test_counts == (2, 1)
    assert after.items() > before.items()
    test = LabelledImages.open(outputs, "test", context.store)
    assert (test.images.shape, test.labels.tolist()) == ((3, SIDE, SIDE, 3), [0, 0, 1])


def test_stages_and_exports_never_read_the_test_split(tmp_path: Path, context: PlainContext) -> None:
    """A pack opens without the test images, and has no field for them."""
    root = write_class_folders(tmp_path / "set", COUNTS)
    _, outputs, result = packed(root, context, test_fraction=0.2)
    context.store.local_path(outputs["test_images"].sha256).unlink()
    pack = Pack.open(outputs, result, context.store)
    assert (len(pack.train), len(pack.validation)) == (18, 6)
    assert {field.name for field in fields(pack)} == {"classes", "train", "validation"}


def test_a_test_part_can_be_split_off(tmp_path: Path, context: PlainContext) -> None:
    """It stays the same with each seed of the split, so that no seed trains on what another tests on."""
    root = write_class_folders(tmp_path / "set", COUNTS)
    one, _, result = packed(root, context, test_fraction=0.2)
    assert (result.train_counts, result.validation_counts, result.test_counts) == ((3, 6, 9), (1, 2, 3), (1, 2, 3))
    other, _, _ = packed(root, context, test_fraction=0.2, split_seed=5)
    assert other["test_images"] == one["test_images"]
    assert other["validation_images"] != one["validation_images"]


def test_groups_stand_in_one_part_each(tmp_path: Path, context: PlainContext) -> None:
    """Found by a pattern, or by a table that is part of the set's fingerprint."""
    root = write_class_folders(tmp_path / "set", {"a": 24, "b": 24})
    for path in sorted(root.rglob("*.png")):
        path.rename(path.with_name(f"p{int(path.stem) // 4}_{path.name}"))
    by_pattern, _, result = packed(root, context, groups={"pattern": "/(p[0-9]+)_"}, test_fraction=0.2)
    assert (result.train_counts, result.validation_counts, result.test_counts) == ((16, 16), (4, 4), (4, 4))
    rows = [f"{path.relative_to(root)},{path.name.split('_')[0]}" for path in root.rglob("*.png")]
    (root / "groups.csv").write_text("image,group\n" + "\n".join(rows))
    by_table, _, _ = packed(root, context, groups={"table": "groups.csv"}, test_fraction=0.2)
    assert by_table == by_pattern
    accepted = folder_fingerprint(str(root), [tmp_path], max_unreadable_share=0, table="groups.csv")
    assert accepted != folder_fingerprint(str(root), [tmp_path], max_unreadable_share=0)
    dataset = FolderDataset(path=str(root), image_size=SIDE, groups=GroupsByTable(table="groups.csv"))
    pack_dataset(dataset, context, Environment((tmp_path,), tmp_path), fingerprint=accepted)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"pattern": "(x[0-9])"}, r"30 of 30 images have no group; ant/000\.png, .* does not match dataset\.groups"),
        ({"table": "none.csv"}, "the file does not exist"),
        ({"table": "../groups.csv"}, "lies outside the data set's folder"),
        ({"table": "short.csv"}, r"29 of 30 images have no group; ant/001\.png, .* has no row in the table"),
        ({"table": "wrong.csv"}, "has the columns file, patient; .*accepted: a CSV file"),
        ({"pattern": "(ant|bee|cat)"}, "the class ant has images of 1 group; accepted: 2 or more groups of each class"),
    ],
)
def test_groups_that_cannot_be_told_are_refused(
    tmp_path: Path, context: PlainContext, groups: dict[str, str], said: str
) -> None:
    """The error names the images without a group, or what is wrong with the table."""
    root = write_class_folders(tmp_path / "set", COUNTS)
    (tmp_path / "groups.csv").write_text("image,group\n")
    (root / "short.csv").write_text("image,group\nant/000.png,1\n")
    (root / "wrong.csv").write_text("file,patient\nant/000.png,1\n")
    with pytest.raises(InvalidInputError, match=said):
        packed(root, context, groups=groups)


def test_a_group_in_two_parts_that_the_set_brings_is_refused(tmp_path: Path, context: PlainContext) -> None:
    """The split is the set's own, so it can't be mended, but it is not honest."""
    write_class_folders(tmp_path / "set" / "train", {"a": 3, "b": 2})
    write_class_folders(tmp_path / "set" / "val", {"a": 1, "b": 1}, seed=77)
    with pytest.raises(InvalidInputError, match="the group 000 has images in train and in validation; accepted: each"):
        packed(tmp_path / "set", context, groups={"pattern": "([0-9]+).png"})


def test_an_image_that_was_replaced_after_its_job_was_accepted_is_noticed(tmp_path: Path) -> None:
    """The content counts, even if size and time stay."""
    root = write_class_folders(tmp_path / "set", COUNTS, suffix=".bmp")
    accepted = folder_fingerprint(str(root), [tmp_path], max_unreadable_share=0)
    dataset, environment = FolderDataset(path=str(root), image_size=8), Environment((tmp_path,), tmp_path)
    pack_dataset(dataset, PlainContext(tmp_path / "before"), environment, fingerprint=accepted)
    one, other = sorted(root.rglob("*.bmp"))[:2]
    status = one.stat()
    one.write_bytes(other.read_bytes())
    os.utime(one, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (one.stat().st_size, one.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    with pytest.raises(InvalidInputError, match="has changed since"):
        pack_dataset(dataset, PlainContext(tmp_path / "after"), environment, fingerprint=accepted)

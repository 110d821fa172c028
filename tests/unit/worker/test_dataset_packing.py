"""Packing as a whole: from a spec's data set to arrays in the store."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgepress_common.errors import (
    InvalidInputError,
    InvalidSpecError,
    StepCancelledError,
    UnreadableDatasetError,
)
from edgepress_common.layout import folder_fingerprint
from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult
from edgepress_common.spec import DATASET_KINDS, FolderDataset
from edgepress_worker.coded import CODED_MEDIA_TYPE
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.datasets.registry import SOURCES
from edgepress_worker.environment import Environment
from edgepress_worker.pack import Pack
from fakes.image_folders import write_class_folders
from fakes.step_context import PlainContext

SIDE = 16
COUNTS = {"ant": 5, "bee": 10, "cat": 15}
MANY = {"ant": 40, "bee": 60}  # enough for several decoders


def packed(root: Path, context: PlainContext, **parameters: object) -> tuple[Outputs, PackResult]:
    """Packs a folder."""
    dataset = FolderDataset.model_validate({"path": str(root), "image_size": SIDE} | parameters)
    return pack_dataset(dataset, context, Environment(dataset_roots=(root.parent,), downloads=root.parent / "none"))


def digests(outputs: Outputs) -> dict[str, str]:
    """Return the digests of the artifacts."""
    return {name: reference.sha256 for name, reference in outputs.items()}


def fractions(context: PlainContext) -> Sequence[float]:
    """The progress that was reported."""
    return [report.fraction for report in context.reports]


def test_every_kind_of_data_set_has_a_source() -> None:
    """The registry and the spec's vocabulary agree."""
    assert all(0 <= SOURCES[kind].preparation_share <= 1 for kind in DATASET_KINDS)


def test_a_folder_becomes_arrays_that_can_be_mapped(tmp_path: Path, context: PlainContext) -> None:
    """Each class is split by the fraction; the pixels are those of the files, in the order of their names."""
    root = write_class_folders(tmp_path / "set", COUNTS)
    outputs, result = packed(root, context, validation_fraction=0.2)
    assert result.classes == ("ant", "bee", "cat")
    assert (result.train_counts, result.validation_counts) == ((4, 8, 12), (1, 2, 3))
    assert (result.unreadable_count, result.unreadable) == (0, ())
    assert {reference.media_type for reference in outputs.values()} == {"application/x-npy", CODED_MEDIA_TYPE}
    pack = Pack.open(outputs, result, context.store)
    assert pack.train.images.shape == (24, SIDE, SIDE, 3)
    assert pack.train.images.dtype == np.uint8
    assert pack.validation.labels.shape == (6,)
    assert pack.validation.labels.dtype == np.int64
    decoded = {
        np.asarray(Image.open(file).resize((SIDE, SIDE), Image.Resampling.BILINEAR)).tobytes(): file
        for file in root.rglob("*.png")
    }
    for part in (pack.train, pack.validation):
        files = [decoded.pop(image.tobytes()) for image in part.images]
        assert files == sorted(files)
        assert [result.classes[label] for label in part.labels] == [file.parent.name for file in files]
    assert decoded == {}


def test_a_folder_with_a_split_keeps_it(tmp_path: Path, context: PlainContext) -> None:
    """The fraction and the seed have no effect then."""
    write_class_folders(tmp_path / "set" / "train", {"a": 3, "b": 2})
    write_class_folders(tmp_path / "set" / "validation", {"a": 1, "b": 4}, seed=77)
    outputs, result = packed(tmp_path / "set", context)
    assert (result.train_counts, result.validation_counts) == ((3, 2), (1, 4))
    again, _ = packed(tmp_path / "set", context, validation_fraction=0.9, split_seed=5)
    assert digests(again) == digests(outputs)


@pytest.mark.slow
@pytest.mark.parametrize("counts", [COUNTS, MANY])
def test_the_same_set_gives_the_same_bytes(tmp_path: Path, context: PlainContext, counts: dict[str, int]) -> None:
    """The location, the order in which files were created and the distribution over decoders have no effect."""
    root = write_class_folders(tmp_path / "set", counts)
    outputs, _ = packed(root, context)
    for path in sorted(root.rglob("*.png"), reverse=True):
        copy = tmp_path / "copy" / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    again, _ = packed(tmp_path / "copy", context)
    assert digests(again) == digests(outputs)
    other_split, _ = packed(root, context, split_seed=1)
    assert digests(other_split) != digests(outputs)


@pytest.mark.slow
@pytest.mark.parametrize("counts", [COUNTS, MANY])
def test_unreadable_images_are_named_and_leave_no_trace(
    tmp_path: Path, context: PlainContext, counts: dict[str, int]
) -> None:
    """Below the accepted share, the pack equals, byte for byte, that of the set without them."""
    root = tmp_path / "set"
    write_class_folders(root / "train", counts)
    write_class_folders(root / "validation", counts, seed=77)
    without, clean = packed(root, context)
    bad = ["train/ant/empty.png", "train/ant/zzz.png", "train/bee/000a.jpg", "validation/bee/003a.tif"]
    for name, content in zip(bad, (b"", b"text", b"\xff\xd8\xff\xe0", b"II*\0"), strict=True):
        (root / name).write_bytes(content)
    outputs, result = packed(root, context, max_unreadable_share=0.1)
    assert [image.name for image in result.unreadable] == bad
    assert "not an image of a supported format" in result.unreadable[0].reason
    assert (clean.unreadable_count, result.unreadable_count) == (0, 4)
    assert (result.train_counts, result.validation_counts) == (clean.train_counts, clean.validation_counts)
    assert digests(outputs) == digests(without)


def test_past_the_stated_share_the_step_fails_in_words(tmp_path: Path, context: PlainContext) -> None:
    """How many of how many, what is accepted, and the first names with their reasons."""
    root = write_class_folders(tmp_path / "set", COUNTS)
    for index in range(7):
        (root / "bee" / f"bad{index}.png").write_bytes(b"")
    with pytest.raises(UnreadableDatasetError) as error:
        packed(root, context, max_unreadable_share=0.18)
    said = str(error.value)
    assert said.startswith(
        "7 of 37 images (18.92%) can't be read; accepted: up to 18.00% (dataset.max_unreadable_share)"
    )
    assert "bee/bad0.png: is not an image of a supported format" in said
    assert "bad4" in said
    assert "bad5" not in said
    _, result = packed(root, context, max_unreadable_share=0.19)
    assert result.unreadable_count == 7


def test_a_class_that_is_left_without_images_fails_by_name(tmp_path: Path, context: PlainContext) -> None:
    """However large a share is accepted."""
    write_class_folders(tmp_path / "set" / "train", {"a": 3, "b": 2})
    write_class_folders(tmp_path / "set" / "validation", {"a": 1, "b": 1})
    (tmp_path / "set/validation/b/000.png").write_bytes(b"")
    with pytest.raises(UnreadableDatasetError, match="no validation image of the class b can be read"):
        packed(tmp_path / "set", context, max_unreadable_share=1)


def test_a_file_with_an_unprintable_name_is_packed_and_named(tmp_path: Path, context: PlainContext) -> None:
    """Old encodings survive on disks; a result must be text."""
    root = write_class_folders(tmp_path / "set", {"a": 3, "b": 3})
    (root / "a" / "000.png").rename(str(root / "a" / "caf\udce9.png"))
    (root / "a" / "caf\udcea.png").write_bytes(b"")
    _, result = packed(root, context, max_unreadable_share=0.5)
    assert result.unreadable[0].name == "a/caf\\udcea.png"
    assert PackResult.model_validate_json(result.model_dump_json()) == result


def test_progress_is_reported_from_none_to_all(tmp_path: Path, context: PlainContext) -> None:
    """It only grows, has the number done and the total, and finally the remaining time."""
    packed(write_class_folders(tmp_path / "set", MANY), context)
    assert fractions(context) == sorted(fractions(context))
    assert (fractions(context)[0], fractions(context)[-1]) == (0, 1)
    messages = [report.message for report in context.reports]
    assert "packing 100 of 100" in messages
    assert any(report.seconds_left is not None for report in context.reports)


class CancelledAfter(PlainContext):
    """A context that is cancelled after a number of reports."""

    def __init__(self, folder: Path, reports: int) -> None:
        super().__init__(folder)
        self._limit = reports

    def raise_if_cancelled(self) -> None:
        self.cancelled = len(self.reports) >= self._limit
        super().raise_if_cancelled()


@pytest.mark.parametrize("counts", [COUNTS, MANY])
@pytest.mark.parametrize("reports", [0, 1, 3])
def test_a_step_that_is_cancelled_stops_and_leaves_nothing(
    tmp_path: Path, counts: dict[str, int], reports: int
) -> None:
    """It stops between images; neither artifacts nor temporary files are left."""
    context = CancelledAfter(tmp_path / "context", reports)
    root = write_class_folders(tmp_path / "set", counts)
    with pytest.raises(StepCancelledError):
        packed(root, context)
    assert len(context.reports) == reports
    assert [path for path in (tmp_path / "context").rglob("*") if path.is_file()] == []


def test_scratch_is_left_empty(tmp_path: Path, context: PlainContext) -> None:
    """Files of a killed attempt do not disturb the next, and a successful attempt leaves no files."""
    (context.scratch / "pack-left").mkdir()
    packed(write_class_folders(tmp_path / "set", COUNTS), context)
    assert [path.name for path in context.scratch.iterdir()] == ["pack-left"]


def test_a_folder_outside_the_roots_is_refused(tmp_path: Path, context: PlainContext) -> None:
    """This includes a link from inside; the error names path and roots."""
    root = write_class_folders(tmp_path / "elsewhere" / "set", COUNTS)
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "link").symlink_to(root)
    dataset = FolderDataset(path=str(allowed / "link"), image_size=SIDE)
    with pytest.raises(InvalidSpecError, match="lies outside") as error:
        pack_dataset(dataset, context, Environment(dataset_roots=(allowed,), downloads=tmp_path))
    (problem,) = error.value.problems
    assert (problem.value, problem.accepted) == (dataset.path, f"a path under {allowed}")


def test_one_class_only_is_refused(tmp_path: Path, context: PlainContext) -> None:
    """There would be nothing to classify."""
    root = write_class_folders(tmp_path / "set", {"only": 5})
    with pytest.raises(InvalidInputError, match=r"found 1 class with images \(only\)"):
        packed(root, context)


def test_a_folder_that_changed_after_its_job_was_accepted_is_refused(tmp_path: Path) -> None:
    """Its steps are shared with jobs on the same images, so other images must not replace them."""
    root = write_class_folders(tmp_path / "set", COUNTS)
    accepted = folder_fingerprint(str(root), [tmp_path], max_unreadable_share=0)
    dataset, environment = FolderDataset(path=str(root), image_size=8), Environment((tmp_path,), tmp_path)
    pack_dataset(dataset, PlainContext(tmp_path / "before"), environment, fingerprint=accepted)
    next(root.rglob("*.png")).unlink()
    with pytest.raises(InvalidInputError, match="has changed since"):
        pack_dataset(dataset, PlainContext(tmp_path / "after"), environment, fingerprint=accepted)

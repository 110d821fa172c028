"""The result of packing names what is wrong with a data set."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgepress_common.errors import InvalidInputError, InvalidSpecError, UnreadableDatasetError
from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult, Twin, Twins
from edgepress_common.spec import FolderDataset
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.datasets.pack_size import check_pack_fits
from edgepress_worker.environment import Environment
from edgepress_worker.pack import Pack
from fakes.image_folders import photograph, write_class_folders
from fakes.step_context import PlainContext

SIDE = 16


def packed(root: Path, context: PlainContext, **parameters: object) -> tuple[Outputs, PackResult]:
    """Packs a folder."""
    dataset = FolderDataset.model_validate({"path": str(root), "image_size": SIDE} | parameters)
    return pack_dataset(dataset, context, Environment(dataset_roots=(root.parent,), downloads=root.parent / "none"))


def test_files_that_are_not_images_count_as_unreadable_with_any_suffix(tmp_path: Path, context: PlainContext) -> None:
    """A format that isn't read, a file without suffix, a file in a folder too deep; notes are ignored and named."""
    root = write_class_folders(tmp_path / "set", {"ant": 20, "bee": 10})
    odd = ["ant/0.heic", "ant/nosuffix", "bee/deep/0.png"]
    for name in [*odd, "ant/notes.txt", "loose.jpg"]:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"no image")
    with pytest.raises(UnreadableDatasetError, match=r"3 of 33 images \(9.09%\) can't be read"):
        packed(root, context)
    _, result = packed(root, context, max_unreadable_share=0.2)
    assert [image.name for image in result.unreadable] == odd
    assert (result.unreadable_count, result.ignored_count) == (3, 2)
    assert [file.name for file in result.ignored] == ["ant/notes.txt", "loose.jpg"]


def test_a_class_of_another_usual_format_is_packed(tmp_path: Path, context: PlainContext) -> None:
    """WebP among JPEG, and JPEG under another suffix."""
    root = write_class_folders(tmp_path / "set", {"cat": 6}, suffix=".jpg")
    write_class_folders(root, {"horse": 6}, suffix=".webp", seed=50)
    for path in (root / "cat").iterdir():
        path.rename(path.with_suffix(".jfif"))
    _, result = packed(root, context)
    assert (result.classes, result.unreadable_count) == (("cat", "horse"), 0)


def test_of_16_bit_grey_the_bits_that_the_whole_set_needs_are_kept(tmp_path: Path, context: PlainContext) -> None:
    """They are the same for images of all parts, among images of other kinds."""
    root = write_class_folders(tmp_path / "set", {"a": 4, "b": 4})
    assert packed(root, context)[1].grey_bits is None
    for name, value in (("dark", 400), ("bright", 3400)):
        Image.fromarray(np.full((8, 8), value, np.uint16)).save(root / "a" / f"{name}.png")
    outputs, result = packed(root, context)
    assert (result.grey_bits, result.unreadable_count) == (12, 0)
    pack = Pack.open(outputs, result, context.store)
    found = {int(image.flat[0]) for part in (pack.train, pack.validation) for image in part.images if image.std() == 0}
    assert found == {400 >> 4, 3400 >> 4}


@pytest.mark.slow
def test_images_that_stand_in_two_parts_are_reported(tmp_path: Path, context: PlainContext) -> None:
    """Copies by their content; images that look alike though they were scaled and compressed again."""
    train, validation, test = (tmp_path / "set" / name for name in ("train", "val", "test"))
    for number, folder in enumerate((train, validation, test)):
        write_class_folders(folder, {"a": 5, "b": 5}, seed=5000 * number)
    _, result = packed(tmp_path / "set", context)
    assert result.twins == Twins(copies_count=0, copies=(), alike_count=0, alike=())
    (validation / "a" / "copy.png").write_bytes((train / "b" / "001.png").read_bytes())
    (test / "b" / "copy.png").write_bytes((validation / "b" / "002.png").read_bytes())
    photograph(3).resize((40, 40), Image.Resampling.BICUBIC).save(test / "a" / "again.jpg", quality=85)
    _, result = packed(tmp_path / "set", context)
    assert result.twins == Twins(
        copies_count=2,
        copies=(
            Twin(name="val/a/copy.png", of="train/b/001.png"),
            Twin(name="test/b/copy.png", of="val/b/002.png"),
        ),
        alike_count=1,
        alike=(Twin(name="test/a/again.jpg", of="train/a/003.png"),),
    )


def test_a_class_that_shows_nothing_is_named(tmp_path: Path, context: PlainContext) -> None:
    """Images of one colour, or copies of a placeholder, are cautioned about; an ordinary class is not."""
    root = write_class_folders(tmp_path / "set", {"good": 4})
    for name in ("blank", "same"):
        (root / name).mkdir()
        for number in range(4):
            image = Image.new("RGB", (20, 20), (number, 0, 0)) if name == "blank" else photograph(7)
            image.save(root / name / f"{number}.png")
    _, result = packed(root, context)
    assert result.cautions == (
        "4 of 4 images of the class blank have nearly a single colour after packing.",
        "All 4 images of the class same are copies of one image.",
    )


def test_a_class_that_is_nearly_black_is_named(tmp_path: Path, context: PlainContext) -> None:
    """12-bit values in colour of 16 bits per channel become so; a dark picture with a light in it is not one."""
    root = write_class_folders(tmp_path / "set", {"good": 4})
    for name in ("dim", "night"):
        (root / name).mkdir()
        for number in range(4):
            image = Image.new("RGB", (64, 64), (0, 0, number))
            image.paste((13, 13, 13), (10, 10, 40, 40 + number))
            if name == "night":
                image.paste((200, 200, 200), (0, 0, 30, 30))
            image.save(root / name / f"{number}.png")
    _, result = packed(root, context)
    (caution,) = result.cautions
    assert caution.startswith(
        "All 4 images of the class dim are nearly black after packing: no region is brighter than"
    )


def test_files_with_further_pages_or_frames_are_counted(tmp_path: Path, context: PlainContext) -> None:
    """Only the first is used; which that is, people should know."""
    root = write_class_folders(tmp_path / "set", {"good": 4, "other": 4})
    for name in ("0.gif", "0.tiff", "0.webp", "0.png"):
        first, second = photograph(5), photograph(6)
        first.save(root / "good" / f"several{name}", save_all=True, append_images=[second])
    _, result = packed(root, context)
    assert result.cautions == ("4 files have several pages or frames, of which only the first is used.",)


def test_a_small_thing_on_an_even_ground_is_something(tmp_path: Path, context: PlainContext) -> None:
    """A scratch on metal draws no caution, though it hardly shows in a copy of 9 x 8 pixels."""
    root = write_class_folders(tmp_path / "set", {"good": 4})
    (root / "scratch").mkdir()
    for number in range(4):
        image = Image.new("RGB", (64, 64), (90, 90, 90))
        image.putpixel((10 * number + 5, 30), (250, 250, 250))
        image.save(root / "scratch" / f"{number}.png")
    _, result = packed(root, context, image_size=64)
    assert result.cautions == ()


def test_a_pack_that_would_be_too_large_is_refused_before_it_is_made() -> None:
    """A few small files can ask for a large pack; the message says how large."""
    check_pack_fits(1_700_000, 224)
    said = "2000000 images of 224 x 224 pixels need 301056000000 bytes when packed; accepted: up to 274877906944"
    with pytest.raises(InvalidInputError, match=said):
        check_pack_fits(2_000_000, 224)


def test_a_pack_beyond_what_its_user_may_store_is_refused_before_it_is_made(
    tmp_path: Path, context: PlainContext
) -> None:
    """124 small images are 390 MB as a pack of large ones; nothing is stored."""
    root = write_class_folders(tmp_path / "set", {"ant": 62, "bee": 62})
    dataset, environment = FolderDataset(path=str(root), image_size=1024), Environment((tmp_path,), tmp_path)
    with pytest.raises(
        InvalidInputError, match=r"390070272 bytes when packed; accepted: up to 2000000 bytes, .* still"
    ):
        pack_dataset(dataset, context, environment, most_bytes=2_000_000)
    assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == []
    small = FolderDataset(path=str(root), image_size=8)
    assert pack_dataset(small, context, environment, most_bytes=2_000_000)[0]


def test_a_link_that_leads_out_of_the_roots_is_refused(tmp_path: Path, context: PlainContext) -> None:
    """This includes a link that was created after the job was accepted."""
    root = write_class_folders(tmp_path / "open" / "set", {"ant": 5, "bee": 5})
    secret = write_class_folders(tmp_path / "private", {"x": 1}) / "x" / "000.png"
    (root / "ant" / "link.png").symlink_to(secret)
    with pytest.raises(InvalidSpecError, match=r"the link 'ant/link\.png' leads out of the folders"):
        packed(root, context)


def test_what_images_look_like_is_counted(tmp_path: Path, context: PlainContext) -> None:
    """Nearly empty, without colour, twice in a part, and smaller than they are packed."""
    train, validation = (tmp_path / "set" / name for name in ("train", "val"))
    write_class_folders(train, {"a": 4, "b": 4})
    write_class_folders(validation, {"a": 2, "b": 2}, seed=500)
    (train / "a" / "again.png").write_bytes((train / "b" / "001.png").read_bytes())
    Image.new("RGB", (30, 10), (200, 10, 10)).save(train / "b" / "red.png")
    photograph(7).convert("L").resize((20, 12)).save(validation / "b" / "grey.png")
    _, result = packed(tmp_path / "set", context)
    found = result.statistics
    assert found is not None
    assert (found.flat_count, found.grey_count, found.repeated_count) == (1, 1, 1)
    assert (found.enlarged_count, found.least_side, found.median_side) == (2, 10, 24)

"""Warnings about a data set, before its results are trusted."""

from edgepress_api.images.warnings import dataset_warnings
from edgepress_common.results import ImageStatistics, PackResult, Twin, Twins, UnreadableImage


def test_a_good_data_set_has_no_warnings() -> None:
    """Balanced, with enough images, all of them grey."""
    statistics = ImageStatistics(
        flat_count=0, grey_count=240, repeated_count=0, enlarged_count=0, least_side=64, median_side=64
    )
    good = PackResult(
        classes=("a", "b"),
        train_counts=(100, 100),
        validation_counts=(20, 20),
        twins=Twins(copies_count=0, copies=(), alike_count=0, alike=()),
        statistics=statistics,
    )
    assert [*dataset_warnings(good, 64)] == []


def test_each_finding_is_a_sentence_with_its_figures() -> None:
    """Copies across splits come first, because they make every accuracy too good."""
    twin = Twin(name="val/1.png", of="train/2.png")
    bad = PackResult(
        classes=("a", "b"),
        train_counts=(90, 30),
        validation_counts=(20, 19),
        unreadable_count=1,
        unreadable=(UnreadableImage(name="x.png", reason="is broken"),),
        ignored_count=3,
        twins=Twins(copies_count=2, copies=(twin,), alike_count=1, alike=(twin,)),
        cautions=("All 30 images of the class b are copies of one image.",),
        statistics=ImageStatistics(
            flat_count=4, grey_count=5, repeated_count=6, enlarged_count=7, least_side=8, median_side=9
        ),
    )
    found = [*dataset_warnings(bad, 64)]
    expected = ("copies of an image of an earlier split: 2, such as val/1.png of train/2.png", "look like",
                "x.png is broken", "All 30 images of the class b", "b (19)", "a has 90 training images, b has 30",
                "count twice there: 6", "single colour: 4", "enlarged: 7 of 159", "without colour: 5 of 159",
                "ignored: 3")  # fmt: skip
    assert len(found) == len(expected)
    for sentence, part in zip(found, expected, strict=True):
        assert part in sentence
        assert sentence.endswith(".")

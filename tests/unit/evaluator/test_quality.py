"""Accuracy, precision, recall and F1 from a confusion matrix."""

import base64
from dataclasses import astuple

import numpy as np
import pytest

from edgepress_common.errors import UnreadableDatasetError
from edgepress_evaluator.measure.accuracy import confusion_matrix, quality, right_images


def test_confusion_matrix_counts_by_true_then_predicted_class() -> None:
    """Row is what an image is, column what it was taken for."""
    labels, predictions = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 0, 0])

    assert confusion_matrix(labels, predictions, 3).tolist() == [[1, 1, 0], [0, 1, 0], [2, 0, 1]]


@pytest.mark.parametrize("images", [1, 7, 8, 9, 1600])
def test_each_image_has_a_bit_that_says_whether_it_is_right(images: int) -> None:
    """The last image is the lowest bit of one large number; no higher bit than the first image's is set."""
    labels, predictions = np.random.default_rng(images).integers(0, 3, (2, images))

    number = int.from_bytes(base64.b64decode(right_images(labels, predictions)))

    assert f"{number:0{images}b}" == "".join("01"[right] for right in (labels == predictions).tolist())


@pytest.mark.parametrize("label", [-1, 3])
def test_label_outside_the_classes_is_refused(label: int) -> None:
    """A label that no class has names the range."""
    with pytest.raises(UnreadableDatasetError, match="accepted: 0 to 2"):
        confusion_matrix(np.array([0, label]), np.array([0, 0]), 3)


def test_quality_of_a_matrix_worked_out_by_hand() -> None:
    """Two classes: precisions 2/3 and 1/2, recalls 2/3 and 1/2, F1 likewise."""
    found = quality(np.array([[2, 1], [1, 1]]))

    assert astuple(found) == pytest.approx((3 / 5, 7 / 12, 7 / 12, 7 / 12))


def test_class_never_predicted_counts_zero() -> None:
    """A network that says 0 to everything has precision 1/2 for class 0 and 0 for class 1."""
    found = quality(np.array([[3, 0], [3, 0]]))

    assert astuple(found) == pytest.approx((1 / 2, 1 / 4, 1 / 2, 1 / 3))


@pytest.mark.parametrize("seed", range(20))
def test_quality_equals_scikit_learns(seed: int) -> None:
    """Random labels and predictions, with classes that do not occur, have the four macro figures of scikit-learn."""
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(seed)
    classes = int(random.integers(2, 12))
    labels, predictions = random.integers(0, classes, (2, int(random.integers(1, 40))))

    found = quality(confusion_matrix(labels, predictions, classes))

    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predictions, labels=range(classes), average="macro", zero_division=0
    )
    assert found.accuracy == pytest.approx(metrics.accuracy_score(labels, predictions))
    assert (found.precision, found.recall, found.f1) == pytest.approx((precision, recall, f1))

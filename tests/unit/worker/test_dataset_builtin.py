"""The digits that come with scikit-learn."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from edgepress_common.spec import BuiltinDataset
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.environment import Environment
from edgepress_worker.pack import LabelledImages, Pack
from fakes.step_context import PlainContext

OF_THE_FIRST_VERSION = {  # as packed at 8 x 8 pixels before there could be a test part
    "train_images": "47e255611c27a75b921d08fdcfdf7731386ca5a8baa66b097bf1ade0f8d11b5d",
    "train_labels": "68f281a1f047e12593a88b2eac0fa7beec60af34e19e834b25920f84ea5532d2",
    "validation_images": "1aca465e9413ae94352ee6f34f51c619f501329fec817d5b8974d90284ea81f0",
    "validation_labels": "a2c8ce75d752b4a63211271d95a75a17ad8a5d0b2a42025e560bbc66895f5abe",
}


def test_the_digits_are_packed_in_the_full_range_of_grey(tmp_path: Path) -> None:
    """1,797 images of ten classes, a fifth of each for validation; 16 levels of grey become 0 to 255, as RGB."""
    context = PlainContext(tmp_path)
    environment = Environment(dataset_roots=(), downloads=tmp_path / "none")
    outputs, result = pack_dataset(BuiltinDataset(image_size=8), context, environment)
    pack = Pack.open(outputs, result, context.store)
    assert result.classes == tuple("0123456789")
    assert len(pack.train) + len(pack.validation) == 1797
    assert result.test_counts is None
    assert not {name for name in outputs if name.startswith("test")}
    assert all(33 <= count <= 38 for count in result.validation_counts)
    digits = load_digits()
    expected = {
        np.rint(image * 255 / 16).astype(np.uint8).tobytes(): label
        for image, label in zip(digits.images, digits.target, strict=True)
    }
    for part in (pack.train, pack.validation):
        for image, label in zip(part.images, part.labels, strict=True):
            assert expected[image[..., 0].tobytes()] == label
            assert np.array_equal(image[..., 0], image[..., 1])
            assert np.array_equal(image[..., 0], image[..., 2])


@pytest.mark.slow
def test_the_digits_have_a_fixed_test_set_if_one_is_asked_for(tmp_path: Path) -> None:
    """The same 179 images with each seed of the split; without one, all is as it was before there could be one."""
    context = PlainContext(tmp_path)
    environment = Environment(dataset_roots=(), downloads=tmp_path / "none")
    found = [
        pack_dataset(BuiltinDataset(image_size=8, test_fraction=0.1, split_seed=seed), context, environment)
        for seed in (0, 1)
    ]
    assert [sum(result.test_counts or ()) for _, result in found] == [179, 179]
    assert len({outputs["test_images"].sha256 for outputs, _ in found}) == 1
    assert len({outputs["validation_images"].sha256 for outputs, _ in found}) == 2
    larger, _ = pack_dataset(BuiltinDataset(image_size=8, test_fraction=0.2), context, environment)
    few, many = (
        {image.tobytes() for image in LabelledImages.open(each, "test", context.store).images}
        for each in (found[0][0], larger)
    )
    assert few < many
    outputs, _ = pack_dataset(BuiltinDataset(image_size=8), context, environment)
    del outputs["validation_images_coded"]
    assert {name: reference.sha256 for name, reference in outputs.items()} == OF_THE_FIRST_VERSION

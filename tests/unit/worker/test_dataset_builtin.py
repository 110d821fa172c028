"""The digits that come with scikit-learn."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from edgepress_common.spec import BuiltinDataset
from edgepress_worker.datasets import pack_dataset
from edgepress_worker.pack import Pack
from edgepress_worker.run import Environment
from fakes.step_context import PlainContext


def test_the_digits_are_packed_in_the_full_range_of_grey(tmp_path: Path) -> None:
    """1,797 images of ten classes, a fifth of each for validation; 16 levels of grey become 0 to 255, as RGB."""
    context = PlainContext(tmp_path)
    environment = Environment(dataset_roots=(), downloads=tmp_path / "none")
    outputs, result = pack_dataset(BuiltinDataset(image_size=8), context, environment)
    pack = Pack.open(outputs, result, context.store)
    assert result.classes == tuple("0123456789")
    assert len(pack.train) + len(pack.validation) == 1797
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

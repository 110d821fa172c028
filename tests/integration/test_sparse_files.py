"""Files without their zeros, as the worker writes them, in the runtime that devices have.

The worker's own interpreter is more lenient: it runs int8 dense layers whose zeros are left out, and LiteRT does not.
"""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from edgepress_common.promises import LayerPromise
from edgepress_common.spec.exports import ExportKind
from edgepress_evaluator.measure.interpreter import Classifier
from edgepress_worker.exports.encoding import encode
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.model import read_tflite
from fakes.small_network import Kernel, small_network, small_pack, written


def _mostly_zero(kernel: Kernel) -> Kernel:
    return kernel * (np.random.default_rng(2).random(kernel.shape) < 0.1)


@pytest.mark.parametrize("kind", get_args(ExportKind))
def test_a_device_computes_the_same_without_the_zeros(kind: ExportKind, tmp_path: Path) -> None:
    """The file loads, gives the scores of the dense one, and the delegate runs the same operators of both."""
    dense = written(small_network(_mostly_zero), kind, tmp_path)
    file = encode(dense, TfliteFile.read(dense), "sparse", [LayerPromise(layer="pointwise", sparsity=0.8)])
    assert file.encoding == ("dense" if kind in {"dynamic", "int4"} else "sparse")
    one, other = Classifier(dense, threads=1), Classifier(file.path, threads=1)
    filling_in = read_tflite(file.path).operator_counts().get("DENSIFY", 0)
    taken = sum(each.delegated for each in one.operators())
    assert sum(each.delegated for each in other.operators()) == (taken + filling_in if taken else 0)
    for image in one.prepare(small_pack().train.images[:8]):
        np.testing.assert_array_equal(other.classify(image), one.classify(image))

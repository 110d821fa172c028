"""Layers by the names of tensors."""

import pytest

from edgepress_worker.tflite.layer_names import layers_of


@pytest.mark.parametrize(
    ("tensor", "layers"),
    [
        ("resnet18/conv0/Conv2D", {"conv0"}),
        ("resnet18/classifier/MatMul1", {"classifier"}),
        ("resnet18/relu0/Relu;resnet18/bn0/FusedBatchNormV3;resnet18/conv0/Conv2D1", {"relu0", "bn0", "conv0"}),
        ("resnet18/conv2/Conv2D;;resnet18/zero_padding2d_3/Pad", {"conv2", "zero_padding2d_3"}),
        ("small3/expanded_conv/squeeze_excite/Conv/Conv2D", {"expanded_conv/squeeze_excite/Conv"}),
        ("arith.constant3", set()),
    ],
)
def test_a_layer_is_all_that_lies_between_network_and_operation(tensor: str, layers: set[str]) -> None:
    """Every joined operator's layer is found, slashes and all; what comes of no layer has none."""
    assert layers_of(tensor) == layers

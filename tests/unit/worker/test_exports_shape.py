"""The promised shape of a network, verified in its files: each violation is planted, and detected."""

from typing import Any

import pytest

from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import KeptPromise, ShapePromise
from edgepress_common.spec.exports import ExportKind
from edgepress_worker.compression.kernels import kernel_values
from edgepress_worker.exports.shape import check_shape
from edgepress_worker.keras_cost import shape_of
from edgepress_worker.tflite.file import TfliteFile
from fakes.small_network import small_network, written

# Counted by hand in test_tflite_cost: filters of 3x3x3, depthwise 3x3, 1x1x8 and 160.
SHAPE = ShapePromise(
    macs=216 * 196 + 72 * 144 + 1280 * 144 + 480,
    weights=216 + 72 + 1280 + 480,
    channels={"first": 8, "pointwise": 160, "classifier": 3},
)


@pytest.fixture(scope="module")
def network() -> Any:
    """A convolution, a depthwise one, a 1x1 convolution, a dense layer."""
    return small_network()


@pytest.fixture(scope="module", params=["float32", "int8"])
def file(network: Any, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TfliteFile:
    """The network's file."""
    path = written(network, request.param, tmp_path_factory.mktemp("file"))
    return TfliteFile.parse(path.read_bytes())


def check(promised: ShapePromise | None, file: TfliteFile, network: Any) -> tuple[KeptPromise, ...]:
    """Verify a shape in the file."""
    kind: ExportKind = "float32"
    return check_shape(promised, file, kind, kernels=kernel_values(network))


def test_the_shape_of_a_network_is_counted(network: Any) -> None:
    """A depthwise convolution counts, but has the channels of the layer before it."""
    assert shape_of(network) == SHAPE


def test_a_kept_shape_is_reported(network: Any, file: TfliteFile) -> None:
    """Channels of all layers, MACs and weights are those of the network."""
    assert check(SHAPE, file, network) == (
        KeptPromise(kind="channels", promised=0, found=0, layers=3),
        KeptPromise(kind="macs", promised=SHAPE.macs, found=SHAPE.macs),
        KeptPromise(kind="weights", promised=SHAPE.weights, found=SHAPE.weights),
    )
    assert check(None, file, network) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"macs": SHAPE.macs - 1}, "237,504 MACs; exactly 237,503 were promised"),
        ({"weights": 2000}, "2,048 weights; exactly 2,000 were promised"),
        ({"channels": SHAPE.channels | {"pointwise": 128}}, "'pointwise' .* 160 output channels; 128 were promised"),
        ({"channels": SHAPE.channels | {"other": 4}}, "'other', whose 4 output channels were promised, is not in"),
    ],
)
def test_a_broken_shape_is_named(change: dict[str, Any], message: str, network: Any, file: TfliteFile) -> None:
    """The error has the layer, the number in the file and the promised one."""
    with pytest.raises(BrokenPromiseError, match=message):
        check(SHAPE.model_copy(update=change), file, network)

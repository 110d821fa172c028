"""Verifies the shape of an exported file against the shape that a stage promised: channels, MACs and weights."""

from collections.abc import Mapping

from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import PROMISES, KeptPromise, ShapePromise
from edgepress_common.spec.exports import ExportKind
from edgepress_worker.compression.kernels import KernelValues
from edgepress_worker.tflite.cost import count_macs, count_weights
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.matching import match_layers


def check_shape(
    promised: ShapePromise | None, written: TfliteFile, kind: ExportKind, *, kernels: Mapping[str, KernelValues]
) -> tuple[KeptPromise, ...]:
    """Verify the shape of a file.

    Args:
        promised: The promised shape; None if no stage has changed the network's shape.
        written: The exported file.
        kind: Kind of export, for errors.
        kernels: The network's weights by layer, in Keras's layout, to find the layers in the file.

    Returns:
        The kept promises: channels (with the layer that is nearest to breaking it), MACs and weights.

    Raises:
        BrokenPromiseError: The file has other channels, MACs or weights, or a promised layer is not in it.
    """
    if promised is None:
        return ()
    counted = {
        "macs": (promised.macs, count_macs(written.model)),
        "weights": (promised.weights, count_weights(written.model)),
    }
    for name, (expected, found) in counted.items():
        if expected != found:
            raise BrokenPromiseError(
                f"the {kind} file has {PROMISES[name].found(found)} {PROMISES[name].title}; exactly "
                f"{PROMISES[name].found(expected)} were promised"
            )
    return (
        _check_channels(promised, written, kind, kernels),
        *(KeptPromise(kind=name, promised=expected, found=found) for name, (expected, found) in counted.items()),
    )


def _check_channels(
    promised: ShapePromise, written: TfliteFile, kind: ExportKind, kernels: Mapping[str, KernelValues]
) -> KeptPromise:
    known = {layer: kernels[layer] for layer in promised.channels if layer in kernels}
    layers = match_layers(known, written.weights, written.model, promised.channels)
    for layer, expected in promised.channels.items():
        if layer not in layers:
            raise BrokenPromiseError(
                f"layer {layer!r}, whose {expected} output channels were promised, is not in the {kind} file"
            )
        found = layers[layer].codes.shape[layers[layer].channel_axis]
        if found != expected:
            raise BrokenPromiseError(
                f"layer {layer!r} in the {kind} file has {found} output channels; {expected} were promised"
            )
    return KeptPromise(kind="channels", promised=0, found=0, layers=len(promised.channels))

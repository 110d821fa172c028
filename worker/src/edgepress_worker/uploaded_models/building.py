"""Puts an uploaded model together, with the weights it was uploaded with.

1. The description is read and checked again: that the gateway has done so is nothing to rely on here.
2. The weights are read by a process of their own.
3. Layer after layer is made and called; first it is seen that its weights are there and of the shapes that it needs, so
   nothing can be asked for that is larger than the file. What it gives is held against a limit.
4. In front comes what makes of pixels what the model was trained on; behind, a softmax if it gives logits.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec.model import PixelRange, UploadedModel
from edgepress_common.uploaded_models import Call, KerasNetwork, copy_weights, read_config, read_network
from edgepress_common.uploaded_models.layers import BatchNormalization, Input
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.networks.scaling import MINUS_ONE_TO_ONE, STANDARDIZED, Scaling
from edgepress_worker.uploaded_models.layers import Made, Shape, activation, make_layer
from edgepress_worker.uploaded_models.weights import Weights, read_weights

_MOST_WEIGHTS = 4  # of one layer: a normalization's
_MAX_VALUES = 1 << 28  # that a layer may give for one image: a gigabyte; VGG16 at 1024 pixels gives a quarter of it

_SCALINGS: dict[PixelRange, Scaling | None] = {
    "0_to_255": None,
    "0_to_1": Scaling(factor=(1 / 255, 1 / 255, 1 / 255), offset=(0.0, 0.0, 0.0)),
    "minus_1_to_1": MINUS_ONE_TO_ONE,
    "imagenet": STANDARDIZED,
}


def build_uploaded(model: UploadedModel, file: Path, *, image_size: int, classes: int, scratch: Path) -> keras.Model:
    """The network with its weights.

    Args:
        model: What the spec says of it.
        file: What was uploaded.
        image_size: Side of the images in pixels.
        classes: How many the data set has.
        scratch: Folder with room for the weights, twice.

    Returns:
        Takes float32 pixels from 0 to 255 ``(batch, image_size, image_size, 3)``, RGB; gives the classes'
        probabilities ``(batch, classes)``. Not compiled; all of it can be trained.

    Raises:
        InvalidInputError: The file has something in it that is not accepted, or does not fit the data set.
    """
    network = read_network(read_config(file))
    with TemporaryDirectory(dir=scratch) as folder:
        weights_file = Path(folder) / "model.weights.h5"
        copy_weights(file, weights_file)
        weights = read_weights(weights_file, _names(network.calls), Path(folder))
    pixels = keras.Input((image_size, image_size, 3), name="pixels")
    scaling = _SCALINGS[model.pixels]
    output = _flow(network, pixels if scaling is None else scaling.layer("pixel_range")(pixels), weights)
    if tuple(output.shape[1:]) != (classes,):
        raise InvalidInputError(
            f"the uploaded model {model.sha256} gives {_written(output.shape[1:])} for each image; "
            f"accepted: ({classes}), one output for each class of the data set"
        )
    return keras.Model(pixels, _probabilities(network, output), name="uploaded")


def _flow(network: KerasNetwork, pixels: tf.Tensor, weights: Mapping[str, Weights]) -> tf.Tensor:
    flow: dict[str, tf.Tensor] = {}
    for call in network.calls:
        if isinstance(call.layer, Input):
            side = call.layer.shape[0]
            if side not in {None, pixels.shape[1]}:
                raise InvalidInputError(
                    f"the uploaded model takes images of {side} pixels, and dataset.image_size is {pixels.shape[1]}; "
                    f"accepted: {side}"
                )
            flow[call.name] = pixels
        else:
            flow[call.name] = _called(call, [flow[name] for name in call.inputs], weights)
    return flow[network.calls[-1].name]


def _called(call: Call, inputs: Sequence[tf.Tensor], weights: Mapping[str, Weights]) -> tf.Tensor:
    made = make_layer(call.layer, call.name)
    if made.layer is None:
        return inputs[0]
    found = _found(call, made, inputs, weights)
    try:
        output = made.layer(inputs[0] if len(inputs) == 1 else list(inputs))
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"layer {call.name!r} ({call.layer.kind}) of the uploaded model can't be called on "
            f"{', '.join(_written(each.shape[1:]) for each in inputs)}: {str(error).splitlines()[0][:300]}"
        ) from error
    if None in output.shape[1:] or math.prod(output.shape[1:]) > _MAX_VALUES:
        raise InvalidInputError(
            f"layer {call.name!r} of the uploaded model gives {_written(output.shape[1:])}; accepted: up to "
            f"{_MAX_VALUES} values for an image"
        )
    if found:
        made.layer.set_weights(found)
    return output if made.then is None else made.then(output)


def _found(call: Call, made: Made, inputs: Sequence[tf.Tensor], weights: Mapping[str, Weights]) -> list[Weights]:
    """Its weights, of the shapes that it needs."""
    taken: Shape = tuple(inputs[0].shape[1:])
    axis = getattr(call.layer, "axis", -1)
    if isinstance(call.layer, BatchNormalization) and axis not in {-1, len(taken)}:
        raise InvalidInputError(f"layer {call.name!r} normalizes over axis {axis}; accepted: the last, by channel")
    wanted = made.weights(taken)
    found = [weights[name] for number in range(len(wanted)) if (name := _name(call, number)) in weights]
    if tuple(array.shape for array in found) != wanted:
        raise InvalidInputError(
            f"layer {call.name!r} ({call.layer.kind}) of the uploaded model needs weights of shapes "
            f"{', '.join(map(_written, wanted))}; found under {call.weights}: "
            f"{', '.join(_written(array.shape) for array in found) or 'none'}"
        )
    return found


def _probabilities(network: KerasNetwork, output: tf.Tensor) -> tf.Tensor:
    return output if network.ends_in == "probabilities" else activation("softmax", "probabilities")(output)


def _names(calls: Sequence[Call]) -> list[str]:
    return [_name(call, number) for call in calls if call.weights is not None for number in range(_MOST_WEIGHTS)]


def _name(call: Call, number: int) -> str:
    return f"{call.weights}/vars/{number}"


def _written(shape: Sequence[int | None]) -> str:
    return f"({', '.join('any' if side is None else str(side) for side in shape)})"

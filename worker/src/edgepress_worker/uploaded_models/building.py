"""Builds an uploaded model with its weights.

1. The description is read and checked again: the worker does not rely on the gateway's check.
2. The weights are read by a process of their own.
3. Layer by layer, the weights are checked against the shapes that it needs, so no layer takes more memory than the
   file has weights for; then the layer is called. The size of its output is limited.
4. In front, pixels are scaled to the range that the model was trained on. A softmax follows if it returns logits.
5. A model with one output, the probability p of the second of two classes or its logit z, returns both classes: the
   logits become -z/2 and z/2, whose softmax is 1 - p and p.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec.model import PixelRange, UploadedModel
from edgepress_common.uploaded_models import Call, KerasNetwork, copy_weights, read_config, read_network
from edgepress_common.uploaded_models.layers import Dense, Input, Normalization
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.networks.scaling import MINUS_ONE_TO_ONE, STANDARDIZED, Scaling
from edgepress_worker.uploaded_models.layers import (
    BuiltLayer,
    Made,
    Weights,
    activation,
    constant_normalization,
    make_layer,
)
from edgepress_worker.uploaded_models.weights import read_weights

_MOST_WEIGHTS = 4  # of one layer: a normalization's
# Below, the product of two weights, as in folding a normalization, is within float32 (3.4e38).
_LARGEST_WEIGHT = 1e18
_MAX_VALUES = 1 << 28  # that a layer may give for one image: a gigabyte; VGG16 at 1024 pixels gives a quarter of it

_SCALINGS: dict[PixelRange, Scaling | None] = {
    "0_to_255": None,
    "0_to_1": Scaling(factor=(1 / 255, 1 / 255, 1 / 255), offset=(0.0, 0.0, 0.0)),
    "minus_1_to_1": MINUS_ONE_TO_ONE,
    "imagenet": STANDARDIZED,
}


def build_uploaded(model: UploadedModel, file: Path, *, image_size: int, classes: int, scratch: Path) -> keras.Model:
    """Return the network with its weights.

    Args:
        model: What the spec says about it.
        file: The uploaded file.
        image_size: Side of the images in pixels.
        classes: Number of classes of the data set.
        scratch: Folder with free space for twice the weights.

    Returns:
        A model that takes float32 pixels from 0 to 255 ``(batch, image_size, image_size, 3)``, RGB, and returns the
        classes' probabilities ``(batch, classes)``. It is not compiled; all its weights are trainable.

    Raises:
        InvalidInputError: The file has something in it that is not accepted, or does not fit the data set.
    """
    network = read_network(read_config(file))
    with TemporaryDirectory(dir=scratch) as folder:
        weights_file = Path(folder) / "model.weights.h5"
        copy_weights(file, weights_file)
        places = _places(network.calls)
        found = read_weights(weights_file, [*places, *places.values()], Path(folder))
    weights = {name: found[each] for name, older in places.items() for each in (older, name) if each in found}
    network, weights = _with_two_outputs(network, weights)
    names = _FreeNames(call.name for call in network.calls)
    pixels = keras.Input((image_size, image_size, 3), name=names("pixels"))
    scaling = _SCALINGS[model.pixels]
    scaled = pixels if scaling is None else scaling.layer(names("pixel_range"))(pixels)
    output = _Builder(weights, names).flow(network.calls, scaled)
    if network.ends_in == "logits":
        output = activation("softmax", names("probabilities"))(output)
    if tuple(output.shape[1:]) != (classes,):
        raise InvalidInputError(
            f"the uploaded model {model.sha256} gives {_written(output.shape[1:])} for each image; "
            f"accepted: ({classes}), one output for each class of the data set"
        )
    return keras.Model(pixels, output, name="uploaded")


class _FreeNames:
    """Returns names that no layer of the network has: as asked for, or with a number."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def __call__(self, name: str) -> str:
        numbered = (name if number == 1 else f"{name}_{number}" for number in count(1))
        free = next(each for each in numbered if each not in self._taken)
        self._taken.add(free)
        return free


def _with_two_outputs(network: KerasNetwork, weights: Mapping[str, Weights]) -> tuple[KerasNetwork, dict[str, Weights]]:
    """Return a binary network with a logit for each class, and its weights; other networks as they are."""
    if not network.is_binary:
        return network, dict(weights)
    *before, last = network.calls
    dense = last if isinstance(last.layer, Dense) else before.pop()
    both = dense.layer.model_copy(update={"units": 2, "activation": None})
    doubled = {
        name: np.concatenate([-array / 2, array / 2], axis=-1)
        for number in range(_MOST_WEIGHTS)
        if (name := _name(dense.weights, number)) in weights and (array := weights[name]).shape[-1:] == (1,)
    }
    calls = (*before, dense.model_copy(update={"layer": both}))
    return KerasNetwork(calls=calls, ends_in="logits"), {**weights, **doubled}


@dataclass(frozen=True)
class _Builder:
    """Makes and calls layers.

    Attributes:
        weights: The file's.
        names: For layers that the file does not name.
    """

    weights: Mapping[str, Weights]
    names: _FreeNames

    def flow(self, calls: Sequence[Call], pixels: tf.Tensor) -> tf.Tensor:
        """Return the output of the last of the calls."""
        flow: dict[str, tf.Tensor] = {}
        for call in calls:
            if isinstance(call.layer, Input):
                side = call.layer.shape[0]
                if side not in {None, pixels.shape[1]}:
                    raise InvalidInputError(
                        f"the uploaded model takes images of {side} pixels, and dataset.image_size is "
                        f"{pixels.shape[1]}; accepted: {side}"
                    )
                flow[call.name] = pixels
            else:
                flow[call.name] = self._called(call, [flow[name] for name in call.inputs])
        return flow[calls[-1].name]

    def _called(self, call: Call, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        made = make_layer(call.layer, self.names, call.name, [tuple(each.shape[1:]) for each in inputs])
        left = self._found(call, made)
        if isinstance(call.layer, Normalization) and not made.parts:
            mean, variance = left
            made, left = Made((BuiltLayer(constant_normalization(mean, variance, call.name)),)), []
        output = inputs[0] if len(inputs) == 1 else list(inputs)
        for part in made.parts:
            output = _output(call, part.layer, inputs, output)
            if part.weights:
                part.layer.set_weights(left[: part.weights])
                left = left[part.weights :]
        return output

    def _found(self, call: Call, made: Made) -> list[Weights]:
        """Return a layer's weights, of the shapes that it needs."""
        names = [_name(call.weights, number) for number in range(len(made.shapes))]
        found = [self.weights[name] for name in names if name in self.weights]
        if tuple(array.shape for array in found) != made.shapes:
            raise InvalidInputError(
                f"layer {call.name!r} ({call.layer.kind}) of the uploaded model needs weights of shapes "
                f"{', '.join(map(_written, made.shapes))}; found under {call.weights}: "
                f"{', '.join(_written(array.shape) for array in found) or 'none'}"
            )
        _check_values(call, found)
        return found


def _output(call: Call, layer: keras.layers.Layer, inputs: Sequence[tf.Tensor], taken: object) -> tf.Tensor:
    try:
        output = layer(taken)
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        raise InvalidInputError(
            f"layer {call.name!r} ({call.layer.kind}) of the uploaded model can't be called on "
            f"{', '.join(_written(each.shape[1:]) for each in inputs)}: {str(error).splitlines()[0][:300]}"
        ) from error
    if None in output.shape[1:] or math.prod(output.shape[1:]) > _MAX_VALUES:
        raise InvalidInputError(
            f"layer {call.name!r} of the uploaded model returns {_written(output.shape[1:])}; accepted: up to "
            f"{_MAX_VALUES} values for an image"
        )
    return output


def _check_values(call: Call, found: Sequence[Weights]) -> None:
    """Refuse weights that crash TensorFlow's converter with SIGSEGV when it folds or quantizes them."""
    for number, array in enumerate(found):
        wrong = array[~(np.abs(array) <= _LARGEST_WEIGHT)]  # true of NaN as well
        if wrong.size:
            raise InvalidInputError(
                f"layer {call.name!r} ({call.layer.kind}) of the uploaded model has {wrong.size} weights like "
                f"{wrong.flat[0]} in {_name(call.weights, number)}; accepted: finite values of at most "
                f"{_LARGEST_WEIGHT:g}"
            )


def _places(calls: Sequence[Call]) -> dict[str, str]:
    """Return the names that the calls' weights may have in the file, and the name that older versions of Keras use."""
    return {
        _name(call.weights, number): _name(call.older_weights or "", number)
        for call in calls
        if call.weights is not None
        # The third of a Normalization counts images, in integers.
        for number in range(2 if isinstance(call.layer, Normalization) else _MOST_WEIGHTS)
    }


def _name(place: str | None, number: int) -> str:
    return f"{place}/vars/{number}"


def _written(shape: Sequence[int | None]) -> str:
    return f"({', '.join('any' if side is None else str(side) for side in shape)})"

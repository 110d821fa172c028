"""Cost of int8 in each layer of a network."""

from edgepress_common.frozen import Message


class LayerSensitivity(Message):
    """The cost of one layer.

    Attributes:
        layer: Name of the convolution or dense layer.
        signal_to_noise_db: Signal-to-noise ratio of the network's logits, in decibels, if only this layer has its
            weights and its output rounded to int8. The layer with the lowest one disturbs the network most.
        accuracy: Accuracy if all layers are rounded except for the weights of this one.
    """

    layer: str
    signal_to_noise_db: float
    accuracy: float


class Sensitivity(Message):
    """Cost of int8, layer by layer.

    Attributes:
        images: Number of validation images of the accuracies; the ratios are of as many training images.
        float_accuracy: Accuracy of the network without rounding.
        int8_accuracy: Accuracy with all layers rounded.
        layers: The layers, the one that disturbs the network most first.
        kept_float: Names of the layers that the file computes in float.
    """

    images: int
    float_accuracy: float
    int8_accuracy: float
    layers: tuple[LayerSensitivity, ...]
    kept_float: tuple[str, ...] = ()

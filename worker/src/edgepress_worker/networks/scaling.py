"""Scaling of pixels from 0 to 255 to the range that an architecture was trained with."""

from dataclasses import dataclass

from edgepress_worker.keras_environment import keras

# Mean and standard deviation of ImageNet's pixels by channel, in the range 0 to 1, as used by PyTorch's models.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Scaling:
    """Multiply pixels by ``factor`` and add ``offset``, each by channel (red, green, blue)."""

    factor: tuple[float, float, float]
    offset: tuple[float, float, float]

    def layer(self, name: str = "scaling") -> keras.layers.Layer:
        """Return the scaling as a layer. It consists of constants, which are part of the layer's settings."""
        return keras.layers.Rescaling(list(self.factor), list(self.offset), name=name)


MINUS_ONE_TO_ONE = Scaling(factor=(1 / 127.5, 1 / 127.5, 1 / 127.5), offset=(-1.0, -1.0, -1.0))
STANDARDIZED = Scaling(
    factor=(1 / (255 * _STD[0]), 1 / (255 * _STD[1]), 1 / (255 * _STD[2])),
    offset=(-_MEAN[0] / _STD[0], -_MEAN[1] / _STD[1], -_MEAN[2] / _STD[2]),
)

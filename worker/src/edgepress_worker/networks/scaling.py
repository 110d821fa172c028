"""From pixels as they are stored, 0 to 255, to the range a family of networks was trained with."""

from dataclasses import dataclass

from edgepress_worker.keras_environment import keras

# Mean and deviation of ImageNet's pixels by channel, at 0 to 1: what Torch's models, and those ported from it, use.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Scaling:
    """Pixels times ``factor`` plus ``offset``, each by channel (red, green, blue)."""

    factor: tuple[float, float, float]
    offset: tuple[float, float, float]

    def layer(self, name: str = "scaling") -> keras.layers.Layer:
        """It as a layer; made of constants, so that copying a network's weights copies all there is."""
        return keras.layers.Rescaling(list(self.factor), list(self.offset), name=name)


MINUS_ONE_TO_ONE = Scaling(factor=(1 / 127.5, 1 / 127.5, 1 / 127.5), offset=(-1.0, -1.0, -1.0))
STANDARDIZED = Scaling(
    factor=(1 / (255 * _STD[0]), 1 / (255 * _STD[1]), 1 / (255 * _STD[2])),
    offset=(-_MEAN[0] / _STD[0], -_MEAN[1] / _STD[1], -_MEAN[2] / _STD[2]),
)

"""How to build each architecture: the library's function, the required scaling, and its ImageNet weights.

The input of every network are pixels from 0 to 255. The scaling that an architecture was trained with is its first
layer, so that users of a .tflite file need not know it. image-classifiers' ResNets need no scaling: their first
BatchNorm, ``bn_data``, learns it.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from classification_models.weights import WEIGHTS_COLLECTION

from edgepress_common.architectures import ARCHITECTURES
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.networks.efficientnet import efficientnet_b0, efficientnet_lite0
from edgepress_worker.networks.imagenet_weights import WeightsFile
from edgepress_worker.networks.resnet import postactivation_resnet18, preactivation_resnet, resnet8
from edgepress_worker.networks.scaling import MINUS_ONE_TO_ONE, STANDARDIZED, Scaling

_Build = Callable[[tf.Tensor, float], keras.Model]
_FindWeights = Callable[[float, int], WeightsFile]

_KERAS_FILES = "https://storage.googleapis.com/tensorflow/keras-applications"


@dataclass(frozen=True)
class NetworkRecipe:
    """How to build one architecture.

    Attributes:
        features: Function that returns the network without a classifier and with random weights, given the (scaled)
            input tensor and the width.
        imagenet: Function that returns the file of its ImageNet weights, given the width and the image size; None
            without such weights.
        scaling: Scaling of the pixels before the network; None if the network scales them itself.
        loads_by_name: Whether to match weights by layer name, because the file has layers that the network lacks.
    """

    features: _Build
    imagenet: _FindWeights | None = None
    scaling: Scaling | None = None
    loads_by_name: bool = False


def _resnet(name: str) -> NetworkRecipe:
    def imagenet(_width: float, _image_size: int) -> WeightsFile:
        wanted = (name, "imagenet", False)
        (file,) = (
            file for file in WEIGHTS_COLLECTION if (file["model"], file["dataset"], file["include_top"]) == wanted
        )
        return WeightsFile(file["name"], file["url"], file["md5"])

    return NetworkRecipe(functools.partial(preactivation_resnet, name), imagenet)


def _mobilenet_features(build: Callable[..., keras.Model], **settings: object) -> _Build:
    def features(inputs: tf.Tensor, width: float) -> keras.Model:
        return build(input_tensor=inputs, alpha=width, include_top=False, weights=None, **settings)

    return features


def _mobilenet_weights(width: float, image_size: int) -> WeightsFile:
    size = image_size if image_size in {128, 160, 192, 224} else 224  # the sizes with pretrained weights
    width_text = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}[width]
    return _keras_file("mobilenet", f"mobilenet_{width_text}_{size}_tf_no_top.h5", None)


def _mobilenet_v2_weights(width: float, image_size: int) -> WeightsFile:
    size = image_size if image_size in {96, 128, 160, 192, 224} else 224  # the sizes with pretrained weights
    return _keras_file(
        "mobilenet_v2", f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{width}_{size}_no_top.h5", None
    )


def _mobilenet_v3(
    build: Callable[..., keras.Model], variant: str, md5: dict[float, str], **settings: object
) -> NetworkRecipe:
    def imagenet(width: float, _image_size: int) -> WeightsFile:
        return _keras_file("mobilenet_v3", f"weights_mobilenet_v3_{variant}_224_{width}_float_no_top_v2.h5", md5[width])

    features = _mobilenet_features(build, include_preprocessing=False, **settings)
    return NetworkRecipe(features, imagenet, scaling=MINUS_ONE_TO_ONE)


def _densenet121(inputs: tf.Tensor, _width: float) -> keras.Model:
    return keras.applications.DenseNet121(input_tensor=inputs, include_top=False, weights=None)


def _efficientnet_v2_b0(inputs: tf.Tensor, _width: float) -> keras.Model:
    return keras.applications.EfficientNetV2B0(
        input_tensor=inputs, include_top=False, weights=None, include_preprocessing=False
    )


def _keras_file(folder: str, name: str, md5: str | None) -> WeightsFile:
    return WeightsFile(name, f"{_KERAS_FILES}/{folder}/{name}", md5)


def _always(file: WeightsFile) -> _FindWeights:
    return lambda _width, _image_size: file


# Names, URLs and checksums of the files are from the source code of the libraries (tf-keras 2.21.0).
NETWORKS: dict[str, NetworkRecipe] = {
    "resnet8": NetworkRecipe(resnet8, scaling=STANDARDIZED),
    "resnet18": _resnet("resnet18"),
    "resnet18_postactivation": NetworkRecipe(postactivation_resnet18, scaling=STANDARDIZED),
    "resnet34": _resnet("resnet34"),
    "resnet50": _resnet("resnet50"),
    "resnet101": _resnet("resnet101"),
    "resnet152": _resnet("resnet152"),
    "mobilenet": NetworkRecipe(
        _mobilenet_features(keras.applications.MobileNet), _mobilenet_weights, scaling=MINUS_ONE_TO_ONE
    ),
    "mobilenet_v2": NetworkRecipe(
        _mobilenet_features(keras.applications.MobileNetV2), _mobilenet_v2_weights, scaling=MINUS_ONE_TO_ONE
    ),
    "mobilenet_v3_small": _mobilenet_v3(
        keras.applications.MobileNetV3Small,
        "small",
        {0.75: "ebdb5cc8e0b497cd13a7c275d475c819", 1.0: "d3e8ec802a04aa4fc771ee12a9a9b836"},
    ),
    "mobilenet_v3_small_minimalistic": _mobilenet_v3(
        keras.applications.MobileNetV3Small,
        "small_minimalistic",
        {1.0: "cde8136e733e811080d9fcd8a252f7e4"},
        minimalistic=True,
    ),
    "mobilenet_v3_large": _mobilenet_v3(
        keras.applications.MobileNetV3Large,
        "large",
        {0.75: "40af19a13ebea4e2ee0c676887f69a2e", 1.0: "07fb09a5933dd0c8eaafa16978110389"},
    ),
    "efficientnet_b0": NetworkRecipe(
        efficientnet_b0,
        _always(
            WeightsFile(
                "efficientnetb0_notop.h5",
                "https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5",
                "50bc09e76180e00e4465e1a485ddc09d",
            )
        ),
        loads_by_name=True,
    ),
    "efficientnet_lite0": NetworkRecipe(efficientnet_lite0),
    "efficientnet_v2_b0": NetworkRecipe(
        _efficientnet_v2_b0,
        _always(_keras_file("efficientnet_v2", "efficientnetv2-b0_notop.h5", "893217f2bb855e2983157299931e43ff")),
        scaling=STANDARDIZED,
    ),
    "densenet121": NetworkRecipe(
        _densenet121,
        _always(
            _keras_file(
                "densenet",
                "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "30ee3e1110167f948a6b9946edeeb738",
            )
        ),
        scaling=STANDARDIZED,
    ),
}

assert set(NETWORKS) == set(ARCHITECTURES)

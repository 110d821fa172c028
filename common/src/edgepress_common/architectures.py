"""The supported architectures and their constraints.

The worker builds the networks; the gateway validates and lists them without TensorFlow. A test of the worker builds
each network and compares it with this table.
"""

from typing import Literal, get_args

from edgepress_common.frozen import Frozen

ArchitectureName = Literal[
    "resnet8",
    "resnet18",
    "resnet18_postactivation",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_small_minimalistic",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "efficientnet_lite0",
    "efficientnet_v2_b0",
    "densenet121",
]
InitialWeights = Literal["none", "imagenet"]


class Architecture(Frozen):
    """An architecture.

    Attributes:
        name: Name in a spec.
        title: Display name.
        parameters: Number of weights at width 1, without the classifier, including weights that are not trained.
        min_image_size: Minimum height and width in pixels. All architectures but ResNet-8 halve the image five times:
            at 32 pixels, one pixel is left to pool; at less, the last layers would see only padding.
        widths: Available width multipliers; only 1 for most.
        imagenet_widths: Width multipliers with ImageNet weights; none if there are no such weights.
        source: Library that builds the network.
        paper: The publication that describes it.
    """

    name: ArchitectureName
    title: str
    parameters: int
    min_image_size: int = 32
    widths: tuple[float, ...] = (1.0,)
    imagenet_widths: tuple[float, ...] = (1.0,)
    source: Literal["image-classifiers", "keras.applications", "edgepress"]
    paper: str


_RESNET = "He et al. 2015, Deep Residual Learning for Image Recognition, arXiv:1512.03385"
# Half and a quarter are the usual narrow ones, as those of MobileNet; all have a multiple of 16 channels in each layer.
_RESNET_WIDTHS = (0.25, 0.5, 0.75, 1.0)
_MOBILENET_V3 = "Howard et al. 2019, Searching for MobileNetV3, arXiv:1905.02244"
_MOBILENET_V3_WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.25)  # figure 6 of the paper
MIN_IMAGE_SIZE = 8
MAX_IMAGE_SIZE = 1024  # with larger images, the activations of a batch do not fit into a small GPU


ARCHITECTURES: dict[ArchitectureName, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture(
            name="resnet8",
            title="ResNet-8 of MLPerf Tiny",
            parameters=78_064,
            min_image_size=8,  # it halves the image twice
            widths=(1.0, 1.625),  # 16 and 26 channels in the first stage: image classification and its successor
            imagenet_widths=(),
            source="edgepress",
            paper="Banbury et al. 2021, MLPerf Tiny Benchmark, arXiv:2106.07597",
        ),
        Architecture(
            name="resnet18",
            title="ResNet18",
            parameters=11_186_889,
            widths=_RESNET_WIDTHS,
            source="image-classifiers",
            paper=_RESNET,
        ),
        Architecture(
            name="resnet18_postactivation",
            title="ResNet18, post-activation",  # every normalization follows a convolution, and is folded into it
            parameters=11_186_112,
            widths=_RESNET_WIDTHS,
            imagenet_widths=(),
            source="edgepress",
            paper=_RESNET,
        ),
        Architecture(
            name="resnet34",
            title="ResNet34",
            parameters=21_302_473,
            widths=_RESNET_WIDTHS,
            source="image-classifiers",
            paper=_RESNET,
        ),
        Architecture(
            name="resnet50", title="ResNet50", parameters=23_546_057, source="image-classifiers", paper=_RESNET
        ),
        Architecture(
            name="resnet101", title="ResNet101", parameters=42_590_409, source="image-classifiers", paper=_RESNET
        ),
        Architecture(
            name="resnet152", title="ResNet152", parameters=58_280_137, source="image-classifiers", paper=_RESNET
        ),
        Architecture(
            name="mobilenet",
            title="MobileNet",
            parameters=3_228_864,
            widths=(0.25, 0.5, 0.75, 1.0),
            imagenet_widths=(0.25, 0.5, 0.75, 1.0),
            source="keras.applications",
            paper="Howard et al. 2017, MobileNets, arXiv:1704.04861",
        ),
        Architecture(
            name="mobilenet_v2",
            title="MobileNetV2",
            parameters=2_257_984,
            widths=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
            imagenet_widths=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
            source="keras.applications",
            paper="Sandler et al. 2018, MobileNetV2, arXiv:1801.04381",
        ),
        Architecture(
            name="mobilenet_v3_small",
            title="MobileNetV3 Small",
            parameters=939_120,
            widths=_MOBILENET_V3_WIDTHS,
            imagenet_widths=(0.75, 1.0),
            source="keras.applications",
            paper=_MOBILENET_V3,
        ),
        Architecture(
            name="mobilenet_v3_small_minimalistic",
            title="MobileNetV3 Small, minimalistic",  # plain ReLU and 3x3 kernels, no squeeze-and-excite
            parameters=441_000,
            source="keras.applications",
            paper=_MOBILENET_V3,
        ),
        Architecture(
            name="mobilenet_v3_large",
            title="MobileNetV3 Large",
            parameters=2_996_352,
            widths=_MOBILENET_V3_WIDTHS,
            imagenet_widths=(0.75, 1.0),
            source="keras.applications",
            paper=_MOBILENET_V3,
        ),
        Architecture(
            name="efficientnet_b0",
            title="EfficientNet-B0",
            parameters=4_049_564,
            source="keras.applications",
            paper="Tan and Le 2019, EfficientNet, arXiv:1905.11946",
        ),
        Architecture(
            name="efficientnet_lite0",
            title="EfficientNet-Lite0",  # ReLU6, no squeeze-and-excite
            parameters=3_413_024,
            imagenet_widths=(),
            source="keras.applications",
            paper="Tan and Le 2019, EfficientNet, arXiv:1905.11946",
        ),
        Architecture(
            name="efficientnet_v2_b0",
            title="EfficientNetV2-B0",
            parameters=5_919_312,
            source="keras.applications",
            paper="Tan and Le 2021, EfficientNetV2, arXiv:2104.00298",
        ),
        Architecture(
            name="densenet121",
            title="DenseNet121",
            parameters=7_037_504,
            source="keras.applications",
            paper="Huang et al. 2016, Densely Connected Convolutional Networks, arXiv:1608.06993",
        ),
    )
}

assert set(ARCHITECTURES) == set(get_args(ArchitectureName))

"""The Keras layers that a tensor of a .tflite file comes from, by its name.

A name is a path of network, layer and operation, such as ``resnet18/conv0/Conv2D``. A tensor of fused operators has
several paths, separated by ``;``, and the converter may append digits to the last one. A layer's name may contain
slashes: MobileNetV3 has a layer ``expanded_conv/squeeze_excite/Conv`` and another layer ``Conv``. Therefore the layer's
name is everything between network and operation, never a part of it.
"""


def layers_of(tensor_name: str) -> set[str]:
    """Return the names of the layers that a tensor comes from."""
    return {"/".join(path.split("/")[1:-1]) for path in tensor_name.split(";")} - {""}

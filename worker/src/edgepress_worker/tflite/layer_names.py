"""Which Keras layers a tensor of a .tflite file comes from, by its name.

A name is a path: network, layer, operation, as in ``resnet18/conv0/Conv2D``. What comes of joined operators has
several, separated by ``;``, and the converter may append digits to the last. A layer's own name may have slashes in it
(``expanded_conv/squeeze_excite/Conv`` in MobileNetV3, beside a layer ``Conv``), so a layer is what lies between network
and operation, whole, and never a part of it.
"""


def layers_of(tensor_name: str) -> set[str]:
    """The names of the layers."""
    return {"/".join(path.split("/")[1:-1]) for path in tensor_name.split(";")} - {""}

"""Which Keras layers a tensor of a .tflite file comes from, by its name.

A name is a path, ``resnet18/conv0/Conv2D``; tensors of operators that were joined have several, separated by ``;``.
"""


def layers_of(tensor_name: str) -> set[str]:
    """All parts of the paths: the names of layers are among them."""
    return {part for path in tensor_name.split(";") for part in path.split("/")}

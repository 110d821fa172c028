"""How an image becomes what a model takes, as files beside it tell: what the worker did when it packed the data set."""

from edgepress_api.bundle.model_file import ModelDescription
from edgepress_common.frozen import Frozen

LABELS = "labels.txt"
PREPROCESSING = "preprocessing.json"


class Preprocessing(Frozen):
    """How an image becomes what the models take.

    Attributes:
        color: Order of the channels; grey is repeated.
        width: In pixels.
        height: In pixels.
        resize: How to get there.
        values: Of the pixels.
        integer_input: What to do for an input tensor of integers.
        models: Each file's tensors, by its path here.
    """

    color: str = "RGB"
    width: int
    height: int
    resize: str = "the whole image squashed to width x height, by Pillow's BILINEAR filter (reducing averages)"
    values: str = "0 to 255, as they are: not scaled, not centred"
    integer_input: str = "round(value / scale) + zero_point, halves to even, clipped to the type's range"
    models: dict[str, ModelDescription]


def preprocessing_json(models: dict[str, ModelDescription]) -> str:
    """The file's text.

    Args:
        models: At least one; all of them take images of the same size.
    """
    _, height, width, _ = next(iter(models.values())).input.shape
    return Preprocessing(width=width, height=height, models=models).model_dump_json(indent=2, exclude_none=True) + "\n"


def labels_txt(classes: tuple[str, ...]) -> str:
    """A class a line, in the order of the outputs."""
    return "".join(f"{name}\n" for name in classes)

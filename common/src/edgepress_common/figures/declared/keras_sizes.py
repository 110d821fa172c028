"""Sizes of the Keras file that the .tflite file was made from."""

from edgepress_common.figures.figure import Figure, Measured


def _size(name: str, title: str, csv_position: int) -> Figure:
    return Figure(
        name=name,
        title=title,
        head=title,
        unit="bytes",
        description=f"{title[0].upper()}{title[1:]}.",
        source=Measured("stage"),
        direction="lower",
        is_integer=True,
        is_always_known=True,
        csv_position=csv_position,
    )


WEIGHTS = _size("keras_bytes", "size of the Keras file with weights alone", 19)
WEIGHTS_ZIP = _size("keras_zip_bytes", "size of the zipped Keras file with weights alone", 26)
OPTIMIZER = _size("keras_with_optimizer_bytes", "size of the Keras file with the optimizer's state", 27)
OPTIMIZER_ZIP = _size("keras_with_optimizer_zip_bytes", "size of the zipped Keras file with the optimizer's state", 28)

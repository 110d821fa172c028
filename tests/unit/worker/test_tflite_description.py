"""The description of a .tflite file's input and output."""

from pathlib import Path

import pytest

from edgepress_worker.tflite.model import read_tflite

MODELS = Path(__file__).parents[2] / "fakes" / "models"


@pytest.mark.parametrize(
    ("name", "type_", "scale", "zero_point"),
    [
        ("tiny_float32", "float32", None, None),
        ("tiny_int16", "int16", 0.00396741, 0),
        ("tiny_int8", "int8", 0.5098040, -128),
        ("tiny_uint8", "uint8", 0.5098040, 0),
    ],
)
def test_a_models_input_is_described_as_the_file_has_it(
    name: str, type_: str, scale: float | None, zero_point: int | None
) -> None:
    """Name, type, shape and quantization are what a runtime reads from the same file."""
    described = read_tflite(MODELS / f"{name}.tflite").description()

    assert (described.input.type, described.input.shape) == (type_, (1, 32, 32, 3))
    assert (described.input.scale, described.input.zero_point) == (scale and pytest.approx(scale, rel=1e-5), zero_point)
    assert (described.output.type, described.output.shape) == (type_, (1, 4))
    assert described.input.name != described.output.name

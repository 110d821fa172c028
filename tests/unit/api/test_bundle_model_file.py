"""Reading what a .tflite file takes and gives."""

from pathlib import Path

import pytest

from edgepress_api.bundle.model_file import describe_model
from edgepress_common.errors import BrokenPromiseError

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
    """Type, shape and quantization are what a runtime reads from the same file."""
    described = describe_model((MODELS / f"{name}.tflite").read_bytes())

    assert (described.input.type, described.input.shape) == (type_, (1, 32, 32, 3))
    assert (described.input.scale, described.input.zero_point) == (scale and pytest.approx(scale, rel=1e-5), zero_point)
    assert (described.output.type, described.output.shape) == (type_, (1, 4))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip file"])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    """The message shows how it begins."""
    with pytest.raises(BrokenPromiseError, match=r"not a \.tflite file"):
        describe_model(content)

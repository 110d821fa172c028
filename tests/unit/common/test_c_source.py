"""A model as C source: what a compiler makes of it."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from edgepress_common.bundle_files.c_source import CModel, c_header, c_identifier, c_source
from edgepress_common.tensors import ModelDescription, TensorDescription

CONTENT = (Path(__file__).parents[2] / "fakes" / "models" / "tiny_int8.tflite").read_bytes()
CLASSES = ("Schnörkel", 'say "no"', "what??/", "back\\slash", "7 of 9")
TENSORS = ModelDescription(
    input=TensorDescription(name="image", type="int8", shape=(1, 8, 16, 3), scale=1.003921627998352, zero_point=-128),
    output=TensorDescription(name="probabilities", type="int8", shape=(1, 5), scale=0.00390625, zero_point=-128),
)
MODEL = CModel("base_int8", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), CLASSES, TENSORS)
# The array, then how far it is from an aligned address, the classes, and the macros.
PROGRAM = r"""
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base_int8.h"
int main(void) {
  fwrite(base_int8_model, 1, sizeof base_int8_model, stdout);
  fprintf(stderr, "%d\n", (int)((uintptr_t)base_int8_model % BASE_INT8_ALIGNMENT));
  for (int i = 0; i < BASE_INT8_CLASSES; i++) fprintf(stderr, "%s\n", base_int8_classes[i]);
  fprintf(stderr, "%dx%dx%d\n", BASE_INT8_INPUT_HEIGHT, BASE_INT8_INPUT_WIDTH, BASE_INT8_INPUT_CHANNELS);
  fprintf(stderr, "%s %.9g %d\n", BASE_INT8_INPUT_TYPE, BASE_INT8_INPUT_SCALE, BASE_INT8_INPUT_ZERO_POINT);
  fprintf(stderr, "%s %.9g %d\n", BASE_INT8_OUTPUT_TYPE, BASE_INT8_OUTPUT_SCALE, BASE_INT8_OUTPUT_ZERO_POINT);
  return 0;
}
"""


@pytest.mark.parametrize("options", [["-std=c99"], ["-std=c11"], ["-std=c2x"], ["-xc++", "-std=c++11"]], ids=str)
def test_a_program_has_the_bytes_of_the_file(options: list[str], tmp_path: Path) -> None:
    """Compiled without warnings as C and C++: the bytes, aligned, with classes and quantization."""
    compiler = shutil.which("cc")
    if compiler is None or ("-xc++" in options and shutil.which("c++") is None):
        pytest.skip("no C compiler")
    (tmp_path / MODEL.header).write_text(c_header(MODEL))
    (tmp_path / MODEL.source).write_text("".join(c_source(MODEL, CONTENT)))
    (tmp_path / "main.c").write_text(PROGRAM)
    warnings = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
    command = [compiler, *options, *warnings, "main.c", MODEL.source, "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True)
    ran = subprocess.run([tmp_path / "main"], capture_output=True, check=True)
    assert ran.stdout == CONTENT
    assert ran.stderr.decode().splitlines() == [
        "0",
        *CLASSES,
        "8x16x3",
        "int8 1.00392163 -128",
        "int8 0.00390625 -128",
    ]


def test_float_models_have_no_quantization() -> None:
    """A float tensor has its type alone; a model of an earlier release not even that."""
    pixels = TensorDescription(name="image", type="float32", shape=(1, 8, 8, 3))
    tensors = ModelDescription(input=pixels, output=TensorDescription(name="o", type="float32", shape=(1, 5)))
    header = c_header(CModel("m", 4, "0" * 64, CLASSES, tensors))
    assert '#define M_INPUT_TYPE "float32"' in header
    assert "SCALE" not in header
    old = c_header(CModel("m", 4, "0" * 64, CLASSES, None))
    assert "INPUT_" not in old
    assert "#define M_SIZE 4" in old


def test_names_become_identifiers() -> None:
    """Any text has one, and never one that is in use in another spelling."""
    assert c_identifier("PCQAT int8") == "PCQAT_int8"
    assert c_identifier("80 % of zeros, int8") == "model_80_of_zeros_int8"
    assert c_identifier("点") == "model"
    assert c_identifier("a b", ["A_B", "a_b_2"]) == "a_b_3"

"""A model as C source: for microcontrollers, which have no files, a .tflite file is an array in the program.

The gateway packs the two files into a zip; the client writes them from the .tflite file that it has downloaded.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from edgepress_common.class_names import printable
from edgepress_common.tensors import ModelDescription, TensorDescription

ALIGNMENT = 16  # of the constants within a .tflite file
_BYTES_PER_LINE = 20  # lines of 100 characters
_LINES_AT_ONCE = 4096


def c_identifier(name: str, others: Collection[str] = ()) -> str:
    """Return a name as a C identifier that differs from others by more than upper and lower case.

    Args:
        name: Any text, as ``PCQAT int8``.
        others: Identifiers that are in use.
    """
    wanted = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "model"
    wanted = f"model_{wanted}" if wanted[0].isdigit() else wanted
    used = {other.upper() for other in others}
    found, number = wanted, 2
    while found.upper() in used:
        found, number = f"{wanted}_{number}", number + 1
    return found


@dataclass(frozen=True)
class CModel:
    """Facts about a model that the two files state.

    Attributes:
        name: C identifier, which also names the files.
        size_bytes: Size of the .tflite file.
        sha256: SHA-256 of the .tflite file.
        classes: Names of the classes in the order of the outputs.
        tensors: Input and output; None if an earlier release has exported the model, which does not describe them.
    """

    name: str
    size_bytes: int
    sha256: str
    classes: tuple[str, ...]
    tensors: ModelDescription | None

    @property
    def header(self) -> str:
        """Name of the header."""
        return f"{self.name}.h"

    @property
    def source(self) -> str:
        """Name of the source."""
        return f"{self.name}.c"


def c_header(model: CModel) -> str:
    """Return the text of the header: sizes, types and quantization as macros, and declarations."""
    name, upper = model.name, model.name.upper()
    lines = [
        "/* An image classifier for LiteRT for Microcontrollers, written by Edgepress.",
        f" * SHA-256 of the .tflite file: {model.sha256}",
        " * Input: an image in RGB, pixels from 0 to 255, row by row. Output: the probability of each class.",
        " */",
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "",
        f"#define {upper}_SIZE {model.size_bytes}",
        f"#define {upper}_ALIGNMENT {ALIGNMENT}",
        f"#define {upper}_CLASSES {len(model.classes)}",
        *(() if model.tensors is None else _tensor_macros(upper, model.tensors)),
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        "/* The .tflite file, for tflite::GetModel. */",
        f"extern const unsigned char {name}_model[{upper}_SIZE];",
        "/* Names of the classes in UTF-8, in the order of the outputs. */",
        f"extern const char *const {name}_classes[{upper}_CLASSES];",
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        f"#endif /* {upper}_H */",
    ]
    return "\n".join(lines) + "\n"


def c_source(model: CModel, content: bytes) -> Iterator[str]:
    """Yield the text of the source: the bytes of the .tflite file, and the names of the classes.

    Args:
        model: What the header states.
        content: The bytes of the .tflite file.
    """
    upper = model.name.upper()
    yield (
        f'#include "{model.header}"\n\n'
        "#if defined(__cplusplus)\n"
        f"#define {upper}_ALIGNED alignas({ALIGNMENT})\n"
        "#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L\n"
        f"#define {upper}_ALIGNED _Alignas({ALIGNMENT})\n"
        "#elif defined(__GNUC__)\n"
        f"#define {upper}_ALIGNED __attribute__((aligned({ALIGNMENT})))\n"
        "#else\n"
        f'#error "define {upper}_ALIGNED so that it aligns a variable to {ALIGNMENT} bytes"\n'
        "#endif\n\n"
        f"{upper}_ALIGNED const unsigned char {model.name}_model[{upper}_SIZE] = {{\n"
    )
    chunk = _BYTES_PER_LINE * _LINES_AT_ONCE
    for start in range(0, len(content), chunk):
        lines = range(start, min(start + chunk, len(content)), _BYTES_PER_LINE)
        yield "".join(_line(content[line : line + _BYTES_PER_LINE]) for line in lines)
    names = "".join(f"    {_string(name)},\n" for name in model.classes)
    yield f"}};\n\nconst char *const {model.name}_classes[{upper}_CLASSES] = {{\n{names}}};\n"


def _line(content: bytes) -> str:
    return "0x" + content.hex(",").replace(",", ",0x") + ",\n"


def _tensor_macros(upper: str, tensors: ModelDescription) -> Iterator[str]:
    _, height, width, channels = tensors.input.shape
    yield from (
        f"#define {upper}_INPUT_{word} {count}"
        for word, count in (("HEIGHT", height), ("WIDTH", width), ("CHANNELS", channels))
    )
    yield from _type_macros(f"{upper}_INPUT", tensors.input, "round(pixel / scale) + zero point, clipped to the type")
    yield from _type_macros(f"{upper}_OUTPUT", tensors.output, "probability = (value - zero point) * scale")


def _type_macros(prefix: str, tensor: TensorDescription, formula: str) -> Iterator[str]:
    yield f'#define {prefix}_TYPE "{tensor.type}"'
    if tensor.scale is not None:
        yield f"/* {formula} */"
        yield f"#define {prefix}_SCALE {float(tensor.scale)!r}f"
        yield f"#define {prefix}_ZERO_POINT ({tensor.zero_point or 0})"


def _string(text: str) -> str:
    """Return a string literal; other bytes than plain ASCII are octal, which ends after three digits."""
    plain = set(range(32, 127)) - set(b'"\\?')  # two question marks begin a trigraph
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in printable(text).encode()) + '"'

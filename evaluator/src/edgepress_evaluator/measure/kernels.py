"""Which instructions the kernels of convolutions and dense layers use, from the features of the processor.

The runtime does not report its kernels, so they are inferred, by the order in which XNNPACK chooses them
(src/configs/gemm-config.c, for int8 weights per channel, float32 and float16). A kernel computes a tile of output
channels from a number of input channels at once; if a layer has other numbers of channels, they are rounded up to the
tile, and the additional ones are computed for nothing. For PCs the tiles differ from release to release and are left
out.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

Arithmetic = Literal["int8", "float32", "float16"]

# As /proc/cpuinfo names them, on Arm and on PCs.
_RELEVANT = (
    "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve",
    "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8",
)  # fmt: skip
_IN_ORDER = ("Cortex-A53", "Cortex-A35", "Cortex-A55")


@dataclass(frozen=True)
class Kernel:
    """A family of kernels.

    Attributes:
        name: Its instructions, and its tile if that is known.
        outputs: Output channels of the tile; None if unknown.
        inputs: Input channels of the tile; None if unknown.
    """

    name: str
    outputs: int | None = None
    inputs: int | None = None

    def rounded(self, outputs: int, inputs: int) -> tuple[int, int] | None:
        """Return the channels that it computes for a layer with so many; None if the tile is unknown."""
        if self.outputs is None or self.inputs is None:
            return None
        return -(-outputs // self.outputs) * self.outputs, -(-inputs // self.inputs) * self.inputs


def features_of(cpuinfo: str) -> tuple[str, ...] | None:
    """Return the features that matter to kernels and that all cores have; None if the kernel reports none."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    cores = [frozenset(value.split()) for key, _, value in lines if key.strip() in {"Features", "flags"}]
    if not cores:
        return None
    common = frozenset.intersection(*cores)
    return tuple(name for name in _RELEVANT if name in common)


def kernel_of(arithmetic: Arithmetic, architecture: str, features: AbstractSet[str], cpu: str | None) -> Kernel | None:
    """Return the kernels of XNNPACK's convolutions and dense layers; None for a processor that is not known here.

    Args:
        arithmetic: Type of the weights.
        architecture: Such as ``aarch64``.
        features: Features of the processor.
        cpu: Name of the processor.
    """
    match architecture, arithmetic:
        case "aarch64", "int8":
            return _arm_int8(features, cpu or "")
        case "aarch64", "float16" if "asimdhp" in features:
            return Kernel("float16 arithmetic (ARMv8.2), tile of 16 outputs", 16, 1)
        case "aarch64", _:
            return Kernel("float32, tile of 8 outputs", 8, 1)
        case "x86_64", "int8":
            return _pc_int8(features)
        case "x86_64", _:
            wide = next((name for name in ("avx512f", "fma", "avx") if name in features), None)
            return Kernel(f"float32 ({wide})" if wide else "float32 (SSE)")
        case _:
            return None


def has_float16_arithmetic(features: AbstractSet[str]) -> bool:
    """Return whether XNNPACK computes in float16 where a file allows it."""
    return bool(features & {"asimdhp", "avx512_fp16"})


def _arm_int8(features: AbstractSet[str], cpu: str) -> Kernel:
    if "i8mm" in features:
        return Kernel("int8 matrix products (i8mm), tile of 16 outputs and 8 inputs", 16, 8)
    if "asimddp" in features:
        return Kernel("int8 dot products (SDOT), tile of 16 outputs and 4 inputs", 16, 4)
    if any(name in cpu for name in _IN_ORDER):
        return Kernel("int8 without dot products (SMLAL), tile of 16 outputs", 16, 1)
    return Kernel("int8 without dot products (SMLAL), tile of 8 outputs and 8 inputs", 8, 8)


def _pc_int8(features: AbstractSet[str]) -> Kernel:
    if "amx_int8" in features:
        return Kernel("int8 matrix products (AMX)")
    if features & {"avx512_vnni", "avx_vnni"}:
        return Kernel("int8 dot products (VNNI)")
    wide = next((name for name in ("avx512f", "avx2", "avx") if name in features), "SSE")
    return Kernel(f"int8 without dot products ({wide})")

"""Instructions of the kernels, inferred from /proc/cpuinfo."""

import pytest

from edgepress_evaluator.measure.kernels import Arithmetic, features_of, has_float16_arithmetic, kernel_of

PI_4 = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU part\t: 0xd08\n"
PI_5 = "processor\t: 0\nFeatures\t: fp asimd aes crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp\n"
PC = "processor\t: 0\nflags\t\t: fpu sse4_1 avx fma avx2 avx512f avx512_vnni\n"


def test_features_are_those_that_matter_and_that_all_cores_have() -> None:
    """A board with small cores uses what these have, too; without any, nothing is known."""
    assert features_of(PI_4) == ("asimd",)
    assert features_of(PI_5) == ("asimd", "asimdhp", "asimddp")
    assert features_of(PI_5 + PI_4) == ("asimd",)
    assert features_of(PC) == ("avx", "avx2", "fma", "avx512f", "avx512_vnni")
    assert features_of("processor\t: 0\n") is None


@pytest.mark.parametrize(
    ("cpuinfo", "cpu", "arithmetic", "name", "tile"),
    [
        (PI_4, "Cortex-A72", "int8", "int8 without dot products (SMLAL), tile of 8 outputs and 8 inputs", (8, 8)),
        (PI_4, "Cortex-A53", "int8", "int8 without dot products (SMLAL), tile of 16 outputs", (16, 1)),
        (PI_5, "Cortex-A76", "int8", "int8 dot products (SDOT), tile of 16 outputs and 4 inputs", (16, 4)),
        (PI_5, "Cortex-A76", "float32", "float32, tile of 8 outputs", (8, 1)),
        (PI_5, "Cortex-A76", "float16", "float16 arithmetic (ARMv8.2), tile of 16 outputs", (16, 1)),
        (PI_4, "Cortex-A72", "float16", "float32, tile of 8 outputs", (8, 1)),
    ],
)
def test_kernels_of_raspberry_pis(
    cpuinfo: str, cpu: str, arithmetic: Arithmetic, name: str, tile: tuple[int, int]
) -> None:
    """XNNPACK chooses them for a Pi 4, a Zero 2 and a Pi 5."""
    kernel = kernel_of(arithmetic, "aarch64", frozenset(features_of(cpuinfo) or ()), cpu)

    assert kernel is not None
    assert (kernel.name, (kernel.outputs, kernel.inputs)) == (name, tile)


@pytest.mark.parametrize(
    ("features", "arithmetic", "name"),
    [
        ({"avx2", "avx512_vnni", "amx_int8"}, "int8", "int8 matrix products (AMX)"),
        ({"avx2", "avx_vnni"}, "int8", "int8 dot products (VNNI)"),
        ({"avx", "avx2"}, "int8", "int8 without dot products (avx2)"),
        (set(), "int8", "int8 without dot products (SSE)"),
        ({"avx", "fma"}, "float32", "float32 (fma)"),
    ],
)
def test_kernels_of_pcs_have_no_tile(features: set[str], arithmetic: Arithmetic, name: str) -> None:
    """Their tiles differ from release to release, so nothing is said about rounded channels."""
    kernel = kernel_of(arithmetic, "x86_64", features, None)

    assert kernel is not None
    assert kernel.name == name
    assert kernel.rounded(3, 3) is None


def test_other_processors_are_unknown() -> None:
    """Nothing is inferred for them."""
    assert kernel_of("int8", "riscv64", frozenset(), None) is None


def test_channels_are_rounded_up_to_the_tile() -> None:
    """Dot products: 10 outputs are computed as 16, 3 inputs as 4."""
    kernel = kernel_of("int8", "aarch64", {"asimddp"}, None)

    assert kernel is not None
    assert kernel.rounded(10, 3) == (16, 4)
    assert kernel.rounded(32, 64) == (32, 64)


def test_float16_arithmetic_needs_a_feature() -> None:
    """A Pi 5 has it, a Pi 4 does not."""
    assert has_float16_arithmetic(frozenset(features_of(PI_5) or ()))
    assert not has_float16_arithmetic(frozenset(features_of(PI_4) or ()))

"""Mixed precision, and what is left of it in a stored model."""

import platform
from pathlib import Path

import numpy as np
import pytest

from edgepress_common.spec.model import Model
from edgepress_common.spec.training import Training
from edgepress_worker.networks import build_network
from edgepress_worker.training.precision import (
    choose_policy,
    computes_bfloat16,
    gpu_capabilities,
    in_float32,
    with_kept_precision,
    with_policy,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("asked", "gpus", "bfloat16", "policy"),
    [
        ("auto", [], False, "float32"),
        ("auto", [], True, "mixed_bfloat16"),
        ("auto", [(6, 1)], True, "float32"),
        ("auto", [(7, 0)], True, "mixed_float16"),
        ("auto", [(8, 6), (6, 1)], False, "float32"),
        ("auto", [(0, 0)], False, "float32"),
        ("float32", [(8, 6)], True, "float32"),
        ("mixed_bfloat16", [], False, "mixed_bfloat16"),
    ],
)
def test_auto_is_mixed_where_the_machine_gains(
    asked: str, gpus: list[tuple[int, int]], bfloat16: bool, policy: str
) -> None:
    """Auto depends on GPUs, and without any on the processor; an explicit setting is effective."""
    assert choose_policy(asked, gpus, bfloat16=bfloat16) == policy  # type: ignore[arg-type]


def test_an_attempt_on_another_machine_keeps_the_precision(tmp_path: Path) -> None:
    """A training that began on a processor with bfloat16 continues so elsewhere; a file that was cut off counts not."""
    settings = Training()
    (tmp_path / "cut off").mkdir()
    (tmp_path / "cut off" / "precision.txt").write_text("mixed_")
    for folder in (tmp_path / "new", tmp_path / "cut off"):
        began = with_kept_precision(settings, folder, choose=lambda _: "mixed_bfloat16")
        continued = with_kept_precision(settings, folder, choose=lambda _: "float32")
        assert began == continued == settings.model_copy(update={"precision": "mixed_bfloat16"})
    asked = Training(precision="mixed_float16")
    assert with_kept_precision(asked, tmp_path / "asked") == asked


def test_capabilities_are_pairs() -> None:
    """Each GPU of this machine has a capability of two numbers."""
    assert all(len(capability) == 2 for capability in gpu_capabilities())


@pytest.mark.parametrize(
    ("processors", "expected"),
    [
        (["fpu avx512f avx512_bf16", "fpu avx512f avx512_bf16"], True),
        (["fpu amx_bf16 amx_tile"], True),
        (["fpu avx512f"], False),
        (["fpu avx512_bf16", "fpu"], False),
        ([], False),
    ],
)
def test_bfloat16_is_found_in_the_flags_of_all_processors(
    processors: list[str], expected: bool, tmp_path: Path
) -> None:
    """A machine whose processors differ may run a step on any of them."""
    file = tmp_path / "cpuinfo"
    file.write_text("".join(f"processor\t: {n}\nflags\t\t: {flags}\n" for n, flags in enumerate(processors)))
    assert computes_bfloat16(file) == (expected and platform.machine() == "x86_64")
    assert not computes_bfloat16(tmp_path / "another system")


@pytest.mark.parametrize(
    "model", [{"architecture": "mobilenet", "width": 0.25}, {"architecture": "mobilenet_v3_small"}]
)
def test_policy_changes_the_arithmetic_and_nothing_else(model: dict[str, object], tmp_path: Path) -> None:
    """After a change to 16 bits and back, names, weights and output are the same."""
    network = build_network(Model.model_validate(model), image_size=32, classes=3, downloads=tmp_path)
    mixed = with_policy(network, "mixed_bfloat16")
    assert mixed.get_layer("pooled").compute_dtype == "bfloat16"
    assert mixed.get_layer("classifier").compute_dtype == "float32"
    assert mixed.get_layer("classifier").output.dtype == "float32"
    assert mixed.output.dtype == "float32"
    assert {weight.dtype.name for weight in mixed.weights} == {"float32"}

    back = with_policy(mixed, "float32")
    assert back.get_config() == network.get_config()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(back(pixels), network(pixels))
    np.testing.assert_allclose(mixed(pixels), network(pixels), atol=0.1)


def test_model_that_is_plain_already_stays_the_same_object(tmp_path: Path) -> None:
    """One that computes in 16 bits gives way to a copy that does not."""
    model = Model(architecture="mobilenet", width=0.25)
    network = build_network(model, image_size=32, classes=3, downloads=tmp_path)
    assert in_float32(network) is network
    plain = in_float32(with_policy(network, "mixed_bfloat16"))
    assert plain.get_config() == network.get_config()

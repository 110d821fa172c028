"""Fetching the files of a job."""

import json
from pathlib import Path

import pytest

from edgepress_common.bundle_files import decoder_py
from edgepress_common.results import PackResult
from fakes.command_line import run_command
from fakes.job_gateway import FakeGateway, make_job, make_step
from fakes.jobs import INT8_TENSORS, made_up

MODELS = Path(__file__).parents[2] / "fakes" / "models"


def test_pull_fetches_models_with_labels_and_preprocessing(tmp_path: Path) -> None:
    """Each finished export is in its pipeline's folder, with the files that a device needs."""
    pack, done = make_step("pack", kind="pack"), make_step("int8", kind="export")
    gateway = FakeGateway(looks=[make_job(pack, done, make_step("float16", "failed", kind="export"), state="failed")])
    content = (MODELS / "tiny_int8.tflite").read_bytes()
    gateway.add_detail(done, {"tflite": gateway.add_artifact(content)}, made_up("export")[1])
    gateway.add_detail(pack, {}, PackResult(classes=("zero", "one"), train_counts=(1, 1), validation_counts=(1, 1)))

    ran = run_command(gateway, ["pull", "job-1", "--to", str(tmp_path)])

    assert ran.exit_code == 0
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == [
        "base/int8.tflite",
        "labels.txt",
        "preprocessing.json",
    ]
    assert (tmp_path / "base" / "int8.tflite").read_bytes() == content
    assert (tmp_path / "labels.txt").read_text() == "zero\none\n"
    preprocessing = json.loads((tmp_path / "preprocessing.json").read_text())
    assert (preprocessing["color"], preprocessing["width"], preprocessing["height"]) == ("RGB", 32, 32)
    assert preprocessing["models"] == {"base/int8.tflite": INT8_TENSORS.model_dump(mode="json")}


def test_pull_fetches_coded_files_with_their_decoder_and_decode_restores_them(tmp_path: Path) -> None:
    """The decoder is a program of its own; the command does the same, and keeps a file that exists."""
    pack, done = make_step("pack", kind="pack"), make_step("int8", kind="export")
    gateway = FakeGateway(looks=[make_job(pack, done, state="succeeded")])
    coded, model = ((MODELS / f"tiny_int8.{ending}").read_bytes() for ending in ("epz", "tflite"))
    outputs = {"tflite": gateway.add_artifact(model), "coded": gateway.add_artifact(coded)}
    gateway.add_detail(done, outputs, made_up("export")[1])
    gateway.add_detail(pack, {}, PackResult(classes=("0", "1"), train_counts=(1, 1), validation_counts=(1, 1)))

    ran = run_command(gateway, ["pull", "job-1", "--coded", "--to", str(tmp_path)])

    assert ran.exit_code == 0
    assert {str(path.relative_to(tmp_path)): path.stat().st_size for path in tmp_path.rglob("*.epz")} == {
        "base/int8.epz": len(coded)
    }
    assert (tmp_path / "decode.py").read_text() == decoder_py()
    assert "base/int8.tflite" in json.loads((tmp_path / "preprocessing.json").read_text())["models"]

    pytest.importorskip("numpy")  # optional in the client
    command = ["decode", str(tmp_path / "base" / "int8.epz")]
    assert run_command(gateway, command).exit_code == 0
    assert (tmp_path / "base" / "int8.tflite").read_bytes() == model
    kept = run_command(gateway, command)
    assert (kept.exit_code, "the file exists" in kept.err) == (2, True)
    wrong = run_command(gateway, ["decode", str(tmp_path / "labels.txt")])
    assert (wrong.exit_code, "this is not a coded file" in wrong.err) == (2, True)
    absent = run_command(gateway, ["decode", str(tmp_path / "absent.epz")])
    assert (absent.exit_code, "No such file" in absent.err) == (2, True)


def test_coded_files_can_be_pulled_as_one(tmp_path: Path) -> None:
    """Parts that models share are sent once; the command restores each under its name."""
    pack, steps = make_step("pack", kind="pack"), [make_step(name, kind="export") for name in ("int8", "float16")]
    gateway = FakeGateway(looks=[make_job(pack, *steps, state="succeeded")])
    coded, model = ((MODELS / f"tiny_int8.{ending}").read_bytes() for ending in ("epz", "tflite"))
    for step in steps:
        outputs = {"tflite": gateway.add_artifact(model), "coded": gateway.add_artifact(coded)}
        gateway.add_detail(step, outputs, made_up("export")[1])
    gateway.add_detail(pack, {}, PackResult(classes=("0", "1"), train_counts=(1, 1), validation_counts=(1, 1)))

    ran = run_command(gateway, ["pull", "job-1", "--one-file", "--to", str(tmp_path)])

    assert ran.exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "decode.py", "labels.txt", "models.epz", "preprocessing.json"
    ]  # fmt: skip
    assert (tmp_path / "models.epz").stat().st_size < 2 * len(coded)

    pytest.importorskip("numpy")  # optional in the client
    assert run_command(gateway, ["decode", str(tmp_path / "models.epz")]).exit_code == 0
    assert [(tmp_path / "base" / f"{name}.tflite").read_bytes() for name in ("int8", "float16")] == [model] * 2
    kept = run_command(gateway, ["decode", str(tmp_path / "models.epz")])
    assert (kept.exit_code, "the file exists" in kept.err) == (2, True)


def test_models_can_be_pulled_as_c_source(tmp_path: Path) -> None:
    """A header and a source for each model, in the folder itself, instead of its .tflite file."""
    pack, steps = make_step("pack", kind="pack"), [make_step(name, kind="export") for name in ("int8", "float16")]
    gateway = FakeGateway(looks=[make_job(pack, *steps, state="succeeded")])
    content = (MODELS / "tiny_int8.tflite").read_bytes()
    for step in steps:
        gateway.add_detail(step, {"tflite": gateway.add_artifact(content)}, made_up("export")[1])
    gateway.add_detail(pack, {}, PackResult(classes=("zero", "one"), train_counts=(1, 1), validation_counts=(1, 1)))

    ran = run_command(gateway, ["pull", "job-1", "--c-source", "--to", str(tmp_path)])

    assert ran.exit_code == 0, ran.err
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "base_float16.c", "base_float16.h", "base_int8.c", "base_int8.h", "labels.txt", "preprocessing.json"
    ]  # fmt: skip
    header = (tmp_path / "base_int8.h").read_text()
    assert f"#define BASE_INT8_SIZE {len(content)}" in header
    assert f"#define BASE_INT8_INPUT_ZERO_POINT ({INT8_TENSORS.input.zero_point})" in header
    source = (tmp_path / "base_int8.c").read_text()
    array = source[source.index("= {") + 3 : source.index("}")]
    assert bytes(int(byte, 16) for byte in array.replace("\n", "").split(",") if byte.strip()) == content
    assert '"zero",' in source

    kept = run_command(gateway, ["pull", "job-1", "--c-source", "--to", str(tmp_path)])
    assert (kept.exit_code, "the file exists" in kept.err) == (2, True)
    both = run_command(gateway, ["pull", "job-1", "--c-source", "--coded"])
    assert (both.exit_code, "can't be combined" in both.err) == (2, True)


def test_an_export_of_an_earlier_release_can_not_be_pulled_coded(tmp_path: Path) -> None:
    """The error says which; nothing is downloaded."""
    pack, done = make_step("pack", kind="pack"), make_step("int8", kind="export")
    gateway = FakeGateway(looks=[make_job(pack, done, state="succeeded")])
    gateway.add_detail(done, {"tflite": gateway.add_artifact(b"model")}, made_up("export")[1])
    ran = run_command(gateway, ["pull", "job-1", "--coded", "--to", str(tmp_path / "new")])
    assert (ran.exit_code, "base/int8.tflite has no coded file" in ran.err) == (4, True)
    assert not (tmp_path / "new").exists()


def test_a_download_that_comes_damaged_leaves_no_file(tmp_path: Path) -> None:
    """Bytes that don't match their name are an error, not a model."""
    pack, done = make_step("pack", kind="pack"), make_step("int8", kind="export")
    gateway = FakeGateway(looks=[make_job(pack, done, state="succeeded")])
    reference = gateway.add_artifact(b"whole")
    gateway.artifacts[reference.sha256] = b"hal"
    gateway.add_detail(done, {"tflite": reference})

    ran = run_command(gateway, ["pull", "job-1", "--to", str(tmp_path)])

    assert (ran.exit_code, "is damaged" in ran.err) == (2, True)
    assert list((tmp_path / "base").iterdir()) == []


def test_nothing_to_pull_is_said(tmp_path: Path) -> None:
    """A job without a finished export leaves no empty folder behind."""
    gateway = FakeGateway(looks=[make_job(make_step("train", "running"))])

    ran = run_command(gateway, ["pull", "job-1", "--to", str(tmp_path / "new")])

    assert (ran.exit_code, "no finished export yet" in ran.err) == (4, True)
    assert not (tmp_path / "new").exists()

"""A model to take home: what is in it, over HTTP, and by the command line."""

import io
import json
import subprocess
import sys
import zipfile
from contextlib import chdir
from pathlib import Path

import httpx
import numpy as np
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from edgepress_api.bundle.card import model_card
from edgepress_api.bundle.packing import Bundle, pack_bundle, predict_py
from edgepress_api.database import StepArtifactRow, StepRow
from edgepress_api.recommendation.recommending import recommend
from edgepress_client.cli import app
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import open_console
from edgepress_common.answers.report import Report
from edgepress_common.artifacts import ArtifactRef
from edgepress_common.results import EvaluationResult
from edgepress_common.spec import Goals
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.job_gateway import FakeGateway
from fakes.jobs import INT8_TENSORS
from fakes.paper_report import paper_report
from fakes.reports import make_report, make_row

MODELS = Path(__file__).parents[2] / "fakes" / "models"


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def measured(gateway: GatewayApp, model: bytes) -> tuple[str, str]:
    """Return the id of a finished job with evaluations of one model, and the model's SHA-256."""
    sha256 = gateway.store.put_bytes(model).sha256
    job_id = gateway.finished_job(name="two | <b>\nlines")
    with gateway.database.write() as session:
        for row in session.scalars(select(StepRow).where(StepRow.kind == "evaluation")):
            assert isinstance(row.result, EvaluationResult)
            row.result = row.result.model_copy(update={"model_sha256": sha256})
    return job_id, sha256


def test_a_model_is_downloaded_as_c_source(gateway: GatewayApp) -> None:
    """A header and a source with the bytes, named after the model; a model of another job is not found."""
    model = (MODELS / "tiny_int8.tflite").read_bytes()
    job_id, sha256 = measured(gateway, model)
    response = gateway.client.get(f"/v1/jobs/{job_id}/models/{sha256}/c-source")
    assert response.status_code == 200, response.text
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        header, source = archive.namelist()
        assert (Path(header).suffix, Path(source).suffix) == (".h", ".c")
        assert sha256 in archive.read(header).decode()
        array = archive.read(source).decode().partition("= {")[2].partition("}")[0]
    assert bytes(int(byte, 16) for byte in array.replace("\n", "").split(",") if byte) == model
    assert gateway.client.get(f"/v1/jobs/{job_id}/models/{'0' * 64}/c-source").status_code == 404


def test_a_bundle_has_all_that_is_needed_to_run_a_model(gateway: GatewayApp) -> None:
    """The file itself, its labels, how to prepare an image, a card, and a program."""
    model = (MODELS / "tiny_int8.tflite").read_bytes()
    job_id, sha256 = measured(gateway, model)
    response = gateway.client.get(f"/v1/jobs/{job_id}/models/{sha256}/bundle")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"] == 'attachment; filename="base-float32.zip"'
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    assert set(found) == {
        f"base-float32/{name}"
        for name in ("model.tflite", "labels.txt", "preprocessing.json", "MODEL_CARD.md", "predict.py")
    }
    assert found["base-float32/model.tflite"] == model
    assert found["base-float32/labels.txt"] == b"0\n1\n"
    preprocessing = json.loads(found["base-float32/preprocessing.json"])
    assert (preprocessing["width"], preprocessing["height"]) == (32, 32)
    assert preprocessing["models"] == {"model.tflite": INT8_TENSORS.model_dump(mode="json")}
    card = found["base-float32/MODEL_CARD.md"].decode()
    assert f"Job {job_id}, “two \\| &lt;b> lines”" in card
    assert f"SHA-256 {sha256}" in card


def test_a_coded_bundle_restores_its_model(gateway: GatewayApp, tmp_path: Path) -> None:
    """It has the coded file and its decoder in place of the model; its program restores the model at first."""
    job_id, sha256 = measured(gateway, (MODELS / "tiny_int8.tflite").read_bytes())
    path = f"/v1/jobs/{job_id}/models/{sha256}/bundle"
    absent = gateway.client.get(path, params={"coded": "true"})
    assert (absent.status_code, "has no coded file" in absent.json()["detail"]) == (404, True)
    coded = gateway.store.put_bytes((MODELS / "tiny_int8.epz").read_bytes())
    with gateway.database.write() as session:
        export = session.scalars(select(StepRow).where(StepRow.kind == "export")).first()
        assert export is not None
        export.outputs = {"tflite": ArtifactRef(sha256=sha256, size_bytes=1), "coded": coded}
        session.add(StepArtifactRow(sha256=sha256, step_key=export.key, size_bytes=1))
    response = gateway.client.get(path, params={"coded": "true"})
    assert response.status_code == 200, response.text
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        archive.extractall(tmp_path / "bundle")
    folder = tmp_path / "bundle" / "base-float32"
    assert {each.name for each in folder.iterdir()} == {
        "model.epz", "decode.py", "labels.txt", "preprocessing.json", "MODEL_CARD.md", "predict.py",
    }  # fmt: skip
    np.save(folder / "image.npy", np.zeros((32, 32, 3), np.uint8))
    (folder / "labels.txt").write_text("a\nb\nc\nd\n")
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "predict.py", "image.npy"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.startswith("image.npy: ")
    assert (folder / "model.tflite").read_bytes() == (MODELS / "tiny_int8.tflite").read_bytes()


def test_a_bundle_of_an_earlier_release_does_without_the_tensors(gateway: GatewayApp) -> None:
    """Its program reads them from the file, as it always does; the size of images is that of the data set."""
    job_id, _ = measured(gateway, (MODELS / "tiny_int8.tflite").read_bytes())
    report = Report.model_validate(gateway.client.get(f"/v1/jobs/{job_id}/report").json())
    rows = tuple(row.model_copy(update={"tensors": None}) for row in report.rows)
    packed = pack_bundle(Bundle(report, rows), MODELS / "tiny_int8.tflite")
    with packed, zipfile.ZipFile(packed) as archive:
        preprocessing = json.loads(archive.read("base-float32/preprocessing.json"))
    assert (preprocessing["width"], preprocessing["height"], preprocessing["models"]) == (32, 32, {})


def test_a_bundle_is_the_same_each_time(gateway: GatewayApp) -> None:
    """Byte by byte."""
    job_id, sha256 = measured(gateway, (MODELS / "tiny_int8.tflite").read_bytes())
    first, second = (gateway.client.get(f"/v1/jobs/{job_id}/models/{sha256}/bundle").content for _ in range(2))
    assert first == second


def test_a_model_of_another_job_is_not_found(gateway: GatewayApp) -> None:
    """A model that is in the store is not found in another job; neither is a model without a job."""
    sha256 = gateway.store.put_bytes(b"another's").sha256
    response = gateway.client.get(f"/v1/jobs/{gateway.finished_job()}/models/{sha256}/bundle")
    assert response.status_code == 404
    assert "accepted: a model_sha256 of its report" in response.json()["detail"]
    assert gateway.client.get(f"/v1/jobs/job-0/models/{sha256}/bundle").status_code == 404


def test_a_card_tells_what_was_measured_and_where_it_comes_from() -> None:
    """Accuracy with its interval, times on each device, classes, promises, cautions, provenance, the spec."""
    report = paper_report()
    rows = [row for row in report.rows if (row.pipeline, row.export) == ("PCQAT", "int8")]
    card = model_card(report, rows)
    for words in (
        "# PCQAT int8",
        "prune to 50 % (polynomial), 4 epochs; cluster to 16 values",
        "distinguishes 8 classes",
        "Accuracy 94.00 % of 1600 validation images",
        "95 % interval 92.7 to 95.1 %",
        "| pi4, Raspberry Pi 4 Model B Rev 1.4, Cortex-A72 | 4 | 29.6 ms | 31.1 ms | 35.5 ms | 62.0 MB | LiteRT 2.3.0",
        "| basophil | 200 | 94.0 % | 94.0 % | 94.0 % | eosinophil, 12 |",
        "- at least 50 % zeros in each of 21 layers: 50.1 % in the layer with fewest",
        "- Shared weights only reduce the zipped size",
        "- Data set: builtin, 32x32 pixels, 4800 images to train and 1600 to validate",
        "- Fingerprint of the data set: digits",
    ):
        assert words in card
    spec = card[card.index("```json\n") + 8 : card.rindex("\n```")]
    assert json.loads(spec) == report.spec.model_dump(mode="json")


def test_the_commands_of_a_card_install_into_an_environment_of_their_own() -> None:
    """Systems such as Debian 12 refuse any other; all that the program imports is named."""
    rows = [make_row("int8")]
    card = model_card(make_report(*rows), rows)
    commands = card.split("```\n")[1].splitlines()
    assert commands == [
        "python3 -m venv environment",
        "environment/bin/pip install ai-edge-litert numpy pillow",
        "environment/bin/python predict.py IMAGE",
    ]


def test_a_card_of_an_emulated_device_has_no_times() -> None:
    """They mean nothing."""
    rows = [make_row("int8", emulated=True)]
    assert "| emulated | emulated | emulated |" in model_card(make_report(*rows), rows)


def test_the_program_takes_the_threads_that_were_fastest() -> None:
    """The times on the first device decide."""
    rows = [make_row("int8", p50=5, threads=1), make_row("int8", p50=2, threads=4), make_row("int8", device="b", p50=1)]
    program = predict_py(rows)
    assert "THREADS = 4 " in program
    assert "{{" not in program
    compile(program, "predict.py", "exec")


def weighed() -> Report:
    """A report of two files, the second of which is recommended all round."""
    rows = (
        make_row("float32", accuracy=0.99, p50=5, images=1600, model_sha256="a" * 64),
        make_row(
            "int8", pipeline="QAT 4", accuracy=0.98, p50=2, size_bytes=11_300_000, images=1600, model_sha256="b" * 64
        ),
    )
    report = make_report(*rows)
    return report.model_copy(update={"recommendation": recommend(rows, report.baselines, Goals())})


def run(tmp_path: Path, *arguments: str) -> tuple[str, int, list[str]]:
    """Return the output of `edgepress bundle`, its exit code, and the paths that it requests."""
    gateway = FakeGateway()
    gateway.answers["GET", "/v1/jobs/job-1/report"] = httpx.Response(200, content=weighed().model_dump_json())
    for letter in "ab":
        path = f"/v1/jobs/job-1/models/{letter * 64}/bundle"
        gateway.answers["GET", path] = httpx.Response(200, content=letter.encode())
    out = io.StringIO()
    invocation = Invocation(open_console(out), open_console(out), gateway.transport)
    with chdir(tmp_path):
        ran = CliRunner().invoke(app, ["bundle", "job-1", *arguments], obj=invocation)
    written = [f"{path.name}: {path.read_text()}" for path in sorted(tmp_path.iterdir())]
    return out.getvalue(), ran.exit_code, written


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ([], "QAT-4-int8.zip: b"),
        (["--for", "most_accurate"], "base-float32.zip: a"),
        (["--for", "fastest_to_run", "--device", "host", "--to", "fast.zip"], "fast.zip: b"),
        (["--pipeline", "base"], "base-float32.zip: a"),
        (["--export", "int8"], "QAT-4-int8.zip: b"),
    ],
)
def test_what_is_recommended_is_fetched_or_what_is_named(tmp_path: Path, arguments: list[str], written: str) -> None:
    """The file has the model's name by default."""
    assert run(tmp_path, *arguments)[1:] == (0, [written])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pipeline", "PQAT"], "has no measured model 'PQAT'; accepted: base float32, QAT 4 int8"),
        (["--device", "pi5"], "job-1 has no recommendation for best_all_round on pi5; devices with measurements: host"),
    ],
)
def test_a_missing_file_is_refused(tmp_path: Path, arguments: list[str], words: str) -> None:
    """The error lists the existing ones; nothing is written."""
    said, exit_code, written = run(tmp_path, *arguments)
    assert (exit_code, written) == (4, [])
    assert words in " ".join(said.split())

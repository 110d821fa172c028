"""Edgepress end to end, as a stranger uses it: over HTTP and from the command line, with all its processes."""

import csv
import io
import json
import stat
import subprocess
import sys
from pathlib import Path

import h5py
import httpx
import numpy as np
import psutil
import pytest

from e2e.stack import EXPORTS, TINY, Edgepress, Json
from fakes.keras_files import keras_file, small_cnn
from fakes.prefix_proxy import prefix_proxy

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
INT8 = {"name": "base", "exports": ["int8"]}


def test_a_posted_job_ends_in_its_report(edgepress: Edgepress, tiny_job: str) -> None:
    """All exports, each measured on this machine, each with all its figures."""
    job, report = edgepress.job(tiny_job), edgepress.report(tiny_job)

    assert (job["progress"], job["error"]) == (1.0, None)
    assert report["complete"] is True
    assert [(row["pipeline"], row["export"], row["device"]) for row in report["rows"]] == [
        ("base", export, "host") for export in EXPORTS
    ]
    float32, *_, int8 = report["rows"]
    assert (float32["images"], int8["float_ops"]) == (359, 0)
    assert int8["size_bytes"] < 0.5 * float32["size_bytes"]
    assert 0 < int8["latency_ms"]["p50"] <= int8["latency_ms"]["p90"]
    assert int8["ratios"]["float32_tflite"]["size"] == pytest.approx(float32["size_bytes"] / int8["size_bytes"])


def test_a_plain_script_finds_the_accuracy_of_the_report(edgepress: Edgepress, tiny_job: str, tmp_path: Path) -> None:
    """The pulled files and the validation images, in a few lines that know nothing of Edgepress: the same figure."""
    assert edgepress.run("pull", tiny_job, "--to", str(tmp_path)).returncode == 0
    pack = edgepress.step(tiny_job, "pack")
    for name in ("validation_images", "validation_labels"):
        artifact = edgepress.http.get(f"/v1/artifacts/{pack['outputs'][name]['sha256']}").raise_for_status()
        (tmp_path / f"{name}.npy").write_bytes(artifact.content)

    for row in edgepress.report(tiny_job)["rows"]:
        model = tmp_path / row["pipeline"] / f"{row['export']}.tflite"
        files = [model, tmp_path / "validation_images.npy", tmp_path / "validation_labels.npy"]
        counted = subprocess.run(
            [sys.executable, HERE / "plain_accuracy.py", *files], capture_output=True, text=True, check=True
        )
        assert int(counted.stdout) / row["images"] == row["accuracy"], row["export"]

    assert (tmp_path / "labels.txt").read_text().split() == [str(digit) for digit in range(10)]
    preprocessing = json.loads((tmp_path / "preprocessing.json").read_text())
    assert preprocessing["models"]["base/int8.tflite"]["input"]["type"] == "int8"


def test_an_uploaded_model_goes_through_to_its_report(edgepress: Edgepress, tmp_path: Path) -> None:
    """Posted as Keras would have saved it; taken as it is, pruned and quantized, exported and measured."""
    with h5py.File(tmp_path / "weights.h5", "w") as weights:
        random = np.random.default_rng(1)
        for name, shape in {"conv2d": (3, 3, 3, 4), "dense": (4, 10)}.items():
            weights[f"layers/{name}/vars/0"] = random.normal(0, 0.2, shape).astype(np.float32)
            weights[f"layers/{name}/vars/1"] = np.zeros(shape[-1], np.float32)
    file = keras_file(small_cnn(activation="linear"), weights=(tmp_path / "weights.h5").read_bytes())
    headers = {"Content-Type": "application/octet-stream"}
    uploaded = edgepress.http.post("/v1/models?name=small", content=file, headers=headers).raise_for_status().json()

    stages = [{"kind": "prune", "epochs": 1}, {"kind": "quantize_aware", "epochs": 1}]
    pipelines = [INT8, {"name": "smaller", "stages": stages, "exports": ["int8"]}]
    training = {"epochs": 0, "batch_size": 64}
    model = uploaded["model"] | {"pixels": "0_to_1"}
    job_id = edgepress.post(TINY | {"model": model, "training": training, "pipelines": pipelines})

    assert edgepress.wait(job_id)["state"] == "succeeded", edgepress.job(job_id)
    rows = edgepress.report(job_id)["rows"]
    assert [(row["pipeline"], row["float_ops"], row["keras_bytes"] < 50_000) for row in rows] == [
        ("base", 0, True),
        ("smaller", 0, True),
    ]
    assert rows[1]["sparsity"] >= 0.45


def test_the_same_job_again_finds_its_steps_done(edgepress: Edgepress, tiny_job: str) -> None:
    """It has succeeded when its acceptance is answered, with the figures of the first."""
    again = edgepress.post({**TINY, "name": "tiny again"})

    assert edgepress.job(again)["state"] == "succeeded"
    assert edgepress.report(again)["rows"] == edgepress.report(tiny_job)["rows"]


def test_the_command_line_shows_the_job(edgepress: Edgepress, tiny_job: str, tmp_path: Path) -> None:
    """List, show, watch, report as a table and as CSV, devices, plan."""
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))

    assert tiny_job in edgepress.run("jobs", "--state", "succeeded").stdout
    assert "float32 on any  succeeded" in edgepress.run("show", tiny_job).stdout
    assert "times smaller: than the float32 .tflite of base" in edgepress.run("watch", tiny_job).stdout
    assert edgepress.run("report", tiny_job).stdout.count("base") >= len(EXPORTS)
    rows = list(csv.DictReader(io.StringIO(edgepress.run("report", tiny_job, "--format", "csv").stdout)))
    assert [row["export"] for row in rows] == EXPORTS
    assert edgepress.run("devices").stdout.splitlines()[1].split()[:2] == ["host", "yes"]
    assert "12 steps, 12 of them already done" in edgepress.run("validate", str(tmp_path / "tiny.json")).stdout


def test_the_exit_code_says_what_went_wrong(edgepress: Edgepress, tmp_path: Path) -> None:
    """5 for a spec that is refused, 3 for a gateway that is not there."""
    (tmp_path / "bad.yaml").write_text("name: bad\nmodel: {architecture: resnet19}\n")

    refused = edgepress.run("submit", str(tmp_path / "bad.yaml"))
    assert refused.returncode == 5
    assert "model.architecture" in refused.stderr
    assert "resnet18" in refused.stderr
    assert edgepress.run("jobs", EDGEPRESS_GATEWAY="http://127.0.0.1:9").returncode == 3


def test_a_second_stack_in_the_same_folder_is_refused(edgepress: Edgepress) -> None:
    """It says where the first one listens, and leaves it alone."""
    second = edgepress.run("up", EDGEPRESS_HOME=str(edgepress.home))

    assert second.returncode == 6
    assert edgepress.url in second.stderr


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"model": {"architecture": "resnet19"}}, "model.architecture"),
        ({"training": {"epochs": 0}}, "training.epochs"),
        ({"pipelines": []}, "pipelines"),
        ({"pipelines": [INT8 | {"stages": [{"kind": "melt"}]}]}, "pipelines[0].stages[0].kind"),
        ({"pipelines": [INT8 | {"stages": [{"kind": "train"}, {"kind": "train"}]}]}, "pipelines[0].stages[1]"),
        ({"pipelines": [INT8 | {"exports": ["int3"]}]}, "pipelines[0].exports[0]"),
        ({"pipelines": [INT8, INT8]}, "pipelines"),
        ({"dataset": {"kind": "folder", "path": "/nowhere/at/all", "image_size": 32}}, "dataset.path"),
        ({"dataset": {"kind": "builtin", "image_size": 16}}, "dataset.image_size"),
        ({"evaluation": {"devices": ["pi5"]}}, "evaluation.devices[0]"),
    ],
)
def test_a_wrong_spec_is_refused_and_nothing_is_stored(edgepress: Edgepress, change: Json, field: str) -> None:
    """A 4xx problem+json that names the field and what is accepted; the list of jobs stays as it was."""
    before = edgepress.job_ids()

    response = edgepress.http.post("/v1/jobs", json=TINY | change)

    _assert_problem(response)
    named = [error["field"] for error in response.json()["errors"]]
    assert any(name.startswith(field) for name in named), named
    assert all(error["accepted"] for error in response.json()["errors"])
    assert edgepress.job_ids() == before


def test_a_folder_with_one_class_is_refused(edgepress: Edgepress, tmp_path: Path) -> None:
    """There is nothing to tell apart; seen before anything is stored."""
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").write_bytes(b"")
    dataset = {"kind": "folder", "path": str(tmp_path), "image_size": 32}

    response = edgepress.http.post("/v1/jobs", json=TINY | {"dataset": dataset})

    _assert_problem(response)
    assert "cat" in response.text


@pytest.mark.parametrize("body", [b"", b"{", b"name: [", b"\xff\xfe", b"42"])
def test_what_is_not_a_spec_at_all_is_refused(edgepress: Edgepress, body: bytes) -> None:
    """The error says what is wrong with the body, for any bytes."""
    _assert_problem(edgepress.http.post("/v1/jobs", content=body, headers={"Content-Type": "application/yaml"}))


def test_images_that_are_none_fail_the_job(edgepress: Edgepress, tmp_path: Path) -> None:
    """Only the run can know: the job fails and names them, and watching it says so by its exit code."""
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(4):
            (tmp_path / label / f"{number}.jpg").write_text("not an image")
    job_id = edgepress.post(TINY | {"dataset": {"kind": "folder", "path": str(tmp_path), "image_size": 32}})

    job = edgepress.wait(job_id)

    assert job["state"] == "failed"
    assert ".jpg" in job["error"]
    watched = edgepress.run("watch", job_id)
    assert (watched.returncode, ".jpg" in watched.stdout) == (1, True)


def test_a_worker_that_is_killed_is_replaced_and_its_training_goes_on(edgepress: Edgepress, tiny_job: str) -> None:
    """After SIGKILL the step is leased again, continues after the last epoch saved, and the job succeeds."""
    job_id = edgepress.post(TINY | {"name": "killed", "training": {"epochs": 5, "seed": 1}, "pipelines": [INT8]})
    edgepress.wait(job_id, lambda job: _epoch(job) >= 2)
    worker = next(child for child in edgepress.supervisor.children() if "edgepress-worker" in " ".join(child.cmdline()))

    worker.kill()

    assert edgepress.wait(job_id)["state"] == "succeeded"
    training = edgepress.step(job_id, "train")
    assert training["attempt"] == 2
    assert training["result"]["resumed_after_epochs"] >= 1
    assert [epoch["epoch"] for epoch in training["result"]["epochs"]] == [1, 2, 3, 4, 5]
    assert "worker ended" in (edgepress.home / "up.log").read_text()
    assert not psutil.pid_exists(worker.pid)


def test_a_cancelled_job_lets_its_worker_go(edgepress: Edgepress, tiny_job: str) -> None:
    """A training of hours is given up, and the next job's export is done in seconds."""
    endless = edgepress.post(TINY | {"name": "endless", "training": {"epochs": 1000, "seed": 2}})
    edgepress.wait(endless, lambda job: _epoch(job) >= 1)

    assert edgepress.run("cancel", endless).returncode == 0

    assert edgepress.job(endless)["state"] == "cancelled"
    assert edgepress.step(endless, "train")["state"] == "cancelled"
    export = {"kind": "int8", "input_type": "uint8"}
    other = edgepress.post(TINY | {"name": "other", "pipelines": [INT8 | {"exports": [export]}]})
    assert edgepress.wait(other)["state"] == "succeeded"
    assert edgepress.run("cancel", endless).returncode == 6


def _epoch(job: Json) -> int:
    training = next(step for step in job["pipelines"][0]["steps"] if step["title"] == "train")
    return (training["progress"] or {}).get("epoch") or 0


def _assert_problem(response: httpx.Response) -> None:
    assert 400 <= response.status_code < 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code
    assert response.json()["detail"]


def test_a_proxy_that_names_no_client_opens_nothing(edgepress: Edgepress) -> None:
    """The stack as it is started behind nginx as docs/operations.md writes it: every request needs the token."""
    with prefix_proxy(edgepress.url, "/edgepress", says_so=False) as address:
        for path in ("/v1/jobs", "/v1/devices", "/metrics", "/openapi.json"):
            assert httpx.get(f"{address}{path}", trust_env=False).status_code == 401
            assert httpx.get(f"{address}{path}", headers=edgepress.headers, trust_env=False).status_code == 200
    assert stat.S_IMODE(edgepress.home.stat().st_mode) == 0o700
    assert edgepress.run("jobs").returncode == 0, "commands find the token"

"""A database of the first version, brought to this one: what its jobs have found can still be read."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from edgepress_api.database import Database
from edgepress_api.database.migrate import migrate
from edgepress_common.answers.report import Report
from edgepress_common.spec import JobSpec
from fakes.gateway_app import GatewayApp

# Written by the first version, for a job that asked for `quick`, shortened to one export.
SPEC = """{"name": "digits", "dataset": {"image_size": 32, "max_unreadable_share": 0.01, "validation_fraction": 0.2,
"split_seed": 0, "kind": "builtin", "name": "digits"}, "model": {"architecture": "resnet18", "weights": "none", "width":
1.0, "dropout": 0.0}, "training": {"epochs": 2, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.001,
"schedule": "cosine", "warmup_epochs": 0.0, "momentum": 0.9, "label_smoothing": 0.0, "class_weights": "none",
"augmentation": {"horizontal_flip": false, "vertical_flip": false, "rotation_degrees": 0.0}, "early_stopping": null,
"precision": "auto", "batch_norm_momentum": "auto", "seed": 0}, "pipelines": "quick", "evaluation": {"devices": ["any"],
"threads": [1], "warmup_runs": 10, "runs": 50, "full_pass": true}}"""

WRITTEN_OUT = """[{"name": "base", "stages": [{"kind": "train", "model": null, "training": null}],
"exports": [{"kind": "float32"}, {"representative_images": 64, "kind": "int8", "input_type": "int8"}]}]"""

PACK = """{"kind": "pack", "dataset": {"image_size": 32, "max_unreadable_share": 0.01, "validation_fraction": 0.2,
"split_seed": 0, "kind": "builtin", "name": "digits"}, "fingerprint": "digits"}"""
PACK_RESULT = """{"kind": "pack", "classes": ["0", "1"], "train_counts": [8, 8], "validation_counts": [2, 2],
"unreadable_count": 0, "unreadable": []}"""

STAGE = """{"kind": "stage", "stage": {"kind": "train", "model": null, "training": null}, "model": {"architecture":
"resnet18", "weights": "none", "width": 1.0, "dropout": 0.0}, "training": {"epochs": 2, "batch_size": 32, "optimizer":
"adam", "learning_rate": 0.001, "schedule": "cosine", "warmup_epochs": 0.0, "momentum": 0.9, "label_smoothing": 0.0,
"class_weights": "none", "augmentation": {"horizontal_flip": false, "vertical_flip": false, "rotation_degrees": 0.0},
"early_stopping": null, "precision": "auto", "batch_norm_momentum": "auto", "seed": 0}}"""
STAGE_RESULT = """{"kind": "stage", "epochs": [{"epoch": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.6,
"val_accuracy": 0.75, "learning_rate": 0.001, "seconds": 1.5}], "val_accuracy": 0.75, "parameters": 10, "epoch_seconds":
1.5, "resumed_after_epochs": 0, "keras_bytes": 400, "keras_zip_bytes": 300, "keras_with_optimizer_bytes": 1200,
"keras_with_optimizer_zip_bytes": 900}"""

EXPORT = """{"kind": "export", "export": {"kind": "float32"}, "seed": 0}"""
EXPORT_RESULT = """{"kind": "export", "size_bytes": 100, "zip_bytes": 80, "input_type": "float32", "output_type":
"float32", "operators": {"CONV_2D": 1}, "float_operators": {}, "sparsity": 0.0, "unique_weights_max": 255}"""

EVALUATION = """{"kind": "evaluation", "device": "any", "threads": [1], "warmup_runs": 10, "runs": 50, "full_pass":
true}"""
EVALUATION_RESULT = """{"kind": "evaluation", "device": "pi", "images": 4, "accuracy": 0.75, "precision": 0.8, "recall":
0.75, "f1": 0.77, "confusion": [[2, 0], [1, 1]], "measurements": [{"threads": 1, "load_ms": 1.0, "first_inference_ms":
3.0, "latency_ms": {"runs": 4, "mean": 2.0, "std": 0.1, "min": 1.9, "p50": 2.0, "p90": 2.1, "p99": 2.2, "max": 2.2},
"total_seconds": 0.008, "accuracy": 0.75}], "peak_memory_bytes": 10000000, "operator_times": null, "surroundings":
{"board": null, "cpu": null, "machine": "aarch64", "cores": 4, "memory_bytes": 4294967296, "kernel": "Linux 6",
"governor": null, "emulated": false, "temperature_before_c": null, "temperature_after_c": null, "throttled": null,
"runtime": "LiteRT 2", "delegate": null, "delegated_operators": null, "load_average": null}, "model_sha256":
"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}"""

STEPS: tuple[tuple[str, str, str, str, str, dict[str, str]], ...] = (
    ("a" * 64, "pack", "pack", PACK, PACK_RESULT, {}),
    ("b" * 64, "stage", "train", STAGE, STAGE_RESULT, {"pack": "a" * 64}),
    ("c" * 64, "export", "float32", EXPORT, EXPORT_RESULT, {"pack": "a" * 64, "model": "b" * 64}),
    ("d" * 64, "evaluation", "float32 on any", EVALUATION, EVALUATION_RESULT, {"pack": "a" * 64, "model": "c" * 64}),
)


@pytest.fixture
def first(bare_database: Database, now: datetime) -> Database:
    """A database of the first version, with a job that is done."""
    migrate(bare_database, "0001")
    with bare_database.write() as session:
        _insert(session.connection(), "jobs", **_job(now, "job-1", SPEC))
        _insert(session.connection(), "pipelines", id=1, job_number=1, position=0, name="base", state="succeeded")
        for position, (key, kind, title, parameters, result, inputs) in enumerate(STEPS):
            _insert(session.connection(), "steps", **_step(now, key, kind, title, parameters, result))
            _insert(session.connection(), "pipeline_steps", pipeline_id=1, position=position, step_key=key)
            for role, source in inputs.items():
                _insert(session.connection(), "step_inputs", step_key=key, role=role, input_key=source)
    return bare_database


def test_a_job_of_the_first_version_is_shown_with_its_report(first: Database, tmp_path: Path) -> None:
    """Its status, its report in every form, and each of its steps."""
    migrate(first)
    client = GatewayApp(first, tmp_path).client

    job = client.get("/v1/jobs/job-1")
    assert (job.status_code, job.json()["state"], job.json()["progress"]) == (200, "succeeded", 1.0)
    for form in ("json", "csv", "html"):
        assert client.get(f"/v1/jobs/job-1/report?format={form}").status_code == 200, form
    (row,) = Report.model_validate_json(client.get("/v1/jobs/job-1/report").content).rows
    assert (row.method, row.encoding, row.dense_size_bytes, row.dense_zip_bytes) == ("base", "dense", 100, 80)
    assert (row.unique_weights_max, row.unique_weights_per_channel_max, row.promises) == (255, 255, ())
    for key, *_ in STEPS:
        assert client.get(f"/v1/steps/{key}").status_code == 200, key


def test_a_preset_is_what_it_was_when_the_job_was_accepted(first: Database, tmp_path: Path) -> None:
    """`quick` was the network as trained in the five exports of then, and the job ran only that."""
    migrate(first)
    spec = JobSpec.model_validate_json(GatewayApp(first, tmp_path).client.get("/v1/jobs/job-1/spec").content)
    (pipeline,) = spec.pipeline_list()
    assert (pipeline.name, pipeline.stages) == ("base", ())
    assert [export.kind for export in pipeline.exports] == ["float32", "float16", "dynamic", "int16x8", "int8"]


def test_a_list_of_pipelines_stays_as_it_was_posted(first: Database, now: datetime) -> None:
    """A stage and exports of the first version are read as they are."""
    written_out = json.loads(SPEC) | {"pipelines": json.loads(WRITTEN_OUT)}
    with first.write() as session:
        _insert(session.connection(), "jobs", **_job(now, "job-2", json.dumps(written_out)))
    migrate(first)
    assert _column(first, "jobs", "spec")[1] == written_out
    JobSpec.model_validate(written_out)


@pytest.mark.slow
def test_every_batch_is_filled_in_and_nothing_twice(first: Database, now: datetime) -> None:
    """Complete rows and rows without a result are unchanged; a second run changes nothing."""
    counted = json.loads(EXPORT_RESULT) | {
        "dense_size_bytes": 120,
        "dense_zip_bytes": 90,
        "unique_weights_per_channel_max": 7,
    }
    results = [EXPORT_RESULT] * 1001 + [json.dumps(counted), "null"]
    with first.write() as session:
        for number, result in enumerate(results):
            _insert(session.connection(), "steps", **_step(now, f"{number:064d}", "export", "float32", EXPORT, result))

    migrate(first, "0002")
    once = _column(first, "steps", "result")
    with first.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    migrate(first, "0002")

    filled_in = {"dense_size_bytes": 100, "dense_zip_bytes": 80, "unique_weights_per_channel_max": 255}
    assert once[:1001] == [filled_in | json.loads(EXPORT_RESULT)] * 1001
    assert once[1001:1003] == [counted, None]
    assert _column(first, "steps", "result") == once


def _job(now: datetime, job_id: str, spec: str) -> dict[str, Any]:
    return {
        "id": job_id,
        "name": "digits",
        "state": "succeeded",
        "spec": json.loads(spec),
        "created_at": now,
        "finished_at": now,
    }


def _step(now: datetime, key: str, kind: str, title: str, parameters: str, result: str) -> dict[str, Any]:
    return {
        "key": key,
        "kind": kind,
        "title": title,
        "parameters": json.loads(parameters),
        "result": json.loads(result),
        "outputs": {},
        "weight": 1.0,
        "state": "succeeded",
        "attempt": 1,
        "failures": 0,
        "sends": 1,
        "created_at": now,
        "finished_at": now,
    }


_JSON_COLUMNS = ("spec", "parameters", "result", "outputs")


def _insert(connection: sa.Connection, table: str, **values: Any) -> None:
    """Insert a row, by a statement that is independent of this version's tables."""
    columns = [sa.column(name, sa.JSON(none_as_null=True) if name in _JSON_COLUMNS else None) for name in values]
    connection.execute(sa.insert(sa.table(table, *columns)).values(values))


def _column(database: Database, table: str, name: str) -> list[Any]:
    order: sa.ColumnElement[Any] = sa.column("number" if table == "jobs" else "key")
    with database.read() as session:
        return list(session.scalars(sa.select(sa.column(name, sa.JSON)).select_from(sa.table(table)).order_by(order)))

"""A job leaves one server as a zip, and another imports it."""

import hashlib
import io
import json
import random
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from edgepress_api.access.tokens import create_token
from edgepress_api.archive.importing import imported_key
from edgepress_api.database import JobRow, StepRow
from edgepress_api.garbage_collection.unreferenced_steps import delete_old_jobs, delete_unreferenced_steps
from edgepress_api.images.augmented import augmented_of_job
from edgepress_api.latency_model.history import latency_history
from edgepress_common.results import (
    AugmentedImage,
    AugmentedSamples,
    ExportResult,
    PackResult,
    StageResult,
    StepResult,
)
from edgepress_common.results.work import OperatorWork
from fakes.gateway_app import JSON, GatewayApp, sqlite_gateway
from fakes.job_archives import ZIP, archive_of, changed, finished, imported, steps, store_outputs
from fakes.jobs import small_spec
from fakes.searching import RandomLabels, finish_search, searching_gateway, submit_search


@pytest.fixture
def origin(tmp_path: Path) -> GatewayApp:
    """The server that ran the job."""
    (tmp_path / "origin").mkdir()
    return sqlite_gateway(tmp_path / "origin")


@pytest.fixture
def other(tmp_path: Path) -> GatewayApp:
    """Another server."""
    (tmp_path / "other").mkdir()
    return sqlite_gateway(tmp_path / "other")


def test_an_imported_job_is_the_job(origin: GatewayApp, other: GatewayApp) -> None:
    """Its report has the same rows; it names its server and devices; its files are there, bit for bit."""
    job_id = finished(origin, name="cells", project="blood", tags=["a"], notes="as posted")
    new_id = imported(other, archive_of(origin, job_id))
    there = origin.client.get(f"/v1/jobs/{job_id}/report", headers={"Accept": "application/json"}).json()
    here = other.client.get(f"/v1/jobs/{new_id}/report", headers={"Accept": "application/json"}).json()
    assert here["rows"] == there["rows"] != []
    assert here["recommendation"] == there["recommendation"]
    assert here["dataset"] == there["dataset"]
    assert here["provenance"]["made_by"] == there["provenance"]["made_by"]
    view = other.client.get(f"/v1/jobs/{new_id}").json()
    assert (view["state"], view["progress"], view["project"], view["tags"]) == ("succeeded", 1.0, "blood", ["a"])
    assert view["imported"]["server"] == "127.0.0.1"
    assert view["imported"]["job_id"] == job_id
    assert view["imported"]["devices"] == ["pi (aarch64)"]
    assert [job["imported"]["job_id"] for job in other.client.get("/v1/jobs").json()["jobs"]] == [job_id]
    for row in here["rows"]:
        model = other.client.get(f"/v1/artifacts/{row['model_sha256']}")
        assert hashlib.sha256(model.content).hexdigest() == row["model_sha256"]
        coded = f"/v1/jobs/{new_id}/models/{row['model_sha256']}/bundle?coded=true"
        assert other.client.get(coded).status_code == 200
    page = other.client.get(f"/v1/jobs/{new_id}/report", headers={"Accept": "text/html"}).text
    assert f"imported from 127.0.0.1, where it is {job_id}" in " ".join(page.split())


def test_an_imported_job_is_labelled_compared_and_deleted(origin: GatewayApp, other: GatewayApp) -> None:
    """Labels, comparison and deletion work for any job; with it, its steps are deleted."""
    new_id = imported(other, archive_of(origin, finished(origin)))
    own = other.finished_job()
    labels = {"project": "p", "tags": ["x"], "notes": "n"}
    assert other.client.put(f"/v1/jobs/{new_id}/labels", json=labels).status_code == 200
    compared = other.client.get("/v1/comparison", params={"job": [own, new_id]}).json()
    assert [job["id"] for job in compared["jobs"]] == [own, new_id]
    assert compared["jobs"][1]["imported"] is not None
    assert all(all(row["jobs"]) for row in compared["rows"])
    assert other.client.delete(f"/v1/jobs/{new_id}").status_code == 204
    delete_unreferenced_steps(other.database)
    with other.database.read() as session:
        assert session.scalars(select(StepRow.key).where(StepRow.origin_key.is_not(None))).all() == []


def test_an_imported_result_belongs_to_its_job_alone(origin: GatewayApp, other: GatewayApp) -> None:
    """The same spec, posted by another user or by the importer, finds no step done, and every step runs."""
    content = changed(archive_of(origin, finished(origin)), _perfect)
    anna = other.client_as("anna", "submit", "read")
    new_id = imported(other, content, anna)
    rows = anna.get(f"/v1/jobs/{new_id}/report", headers={"Accept": "application/json"}).json()["rows"]
    assert {row["accuracy"] for row in rows} == {1.0}  # what the archive claims
    spec = small_spec().model_dump_json()
    for user in ("anna", "bob"):
        client = other.client_as(user, "submit", "read")
        preview = client.post("/v1/jobs?validate_only=true", content=spec, headers=JSON).json()
        assert preview["done"] == []
        assert preview["estimate"]["seconds"] is None  # nor does it teach how long steps take
    with other.database.read() as session:
        planned = {step["key"] for step in preview["plan"]["steps"]}
        assert planned.isdisjoint(session.scalars(select(StepRow.key).where(StepRow.origin_key.is_not(None))))
    posted = other.client_as("bob", "submit", "read").post("/v1/jobs", content=spec, headers=JSON).json()
    other.workforce.work_until_nothing_is_left()
    assert len(other.workforce.done) == len(preview["plan"]["steps"])
    report = f"/v1/jobs/{posted['id']}/report"
    found = other.client.get(report, headers={"Accept": "application/json"}).json()
    assert {row["accuracy"] for row in found["rows"]} == {0.75}


def _perfect(document: dict[str, Any]) -> None:
    for step in steps(document, "evaluation"):
        step["result"] |= {"accuracy": 1.0, "precision": 1.0, "recall": 1.0, "f1": 1.0, "confusion": [[2, 0], [0, 2]]}
        step["result"]["measurements"][0]["accuracy"] = 1.0


def test_the_key_of_an_imported_step_is_of_its_job_alone() -> None:
    """Two jobs never share an imported step, and the hashed text is not a JSON object, unlike that of a planned key."""
    key = "a" * 64
    assert imported_key("job-1", key) != imported_key("job-2", key) != key


def test_nothing_of_an_imported_job_runs(origin: GatewayApp, other: GatewayApp) -> None:
    """Neither scheduler nor devices get its steps, and it can't be retried, extended or measured again."""

    def fail(document: dict[str, Any]) -> None:
        step = steps(document, "evaluation")[0]
        failure = {"code": "conversion", "message": "no", "retryable": False}
        step |= {"state": "failed", "result": None, "failure": failure}
        document |= {"state": "partly_succeeded", "error": "no"}
        document["pipelines"][0]["state"] = "partly_succeeded"

    new_id = imported(other, changed(archive_of(origin, finished(origin)), fail))
    assert other.workforce.take() == []
    assert not other.workforce.evaluate()
    refused = other.client.post(f"/v1/jobs/{new_id}/retry")
    assert (refused.status_code, "was imported from 127.0.0.1" in refused.json()["detail"]) == (409, True)
    evaluation = next(
        step["key"]
        for pipeline in other.client.get(f"/v1/jobs/{new_id}").json()["pipelines"]
        for step in pipeline["steps"]
        if step["kind"] == "evaluation" and step["state"] == "succeeded"
    )
    refused = other.client.delete(f"/v1/steps/{evaluation}/result")
    assert (refused.status_code, "on another server" in refused.json()["detail"]) == (409, True)
    assert other.client.post(f"/v1/jobs/{new_id}/cancel").status_code == 409


def test_latency_models_do_not_learn_from_it(origin: GatewayApp, other: GatewayApp) -> None:
    """A measurement of a device that has the name of a device here is not one of it."""

    def with_work(result: StepResult) -> StepResult:
        if isinstance(result, ExportResult):
            return result.model_copy(
                update={"work": (OperatorWork(kind="convolution", calls=1, macs=10, weights=10, values=10),)}
            )
        return result

    origin.workforce.change = with_work
    content = archive_of(origin, finished(origin))
    with origin.database.read() as session:
        assert latency_history(session, device="pi").files
    imported(other, content)
    with other.database.read() as session:
        assert latency_history(session, device="pi").files == ()


def test_a_digest_without_its_bytes_opens_nothing(origin: GatewayApp, other: GatewayApp) -> None:
    """A user who names an artifact of another user in an archive does not get it, and the import is refused."""
    secret = other.store.put_bytes(b"images of another user")
    mallory = other.client_as("mallory", "submit", "read")
    content = archive_of(origin, finished(origin))

    def claim(document: dict[str, Any]) -> None:
        steps(document, "pack")[0]["outputs"] = {"train_images": secret.model_dump()}

    refused = mallory.post("/v1/jobs/archive", content=changed(content, claim), headers=ZIP)
    assert (refused.status_code, "not in the archive" in refused.json()["detail"]) == (422, True)
    wrong = {f"artifacts/{secret.sha256}": b"x" * secret.size_bytes}
    refused = mallory.post("/v1/jobs/archive", content=changed(content, claim, **wrong), headers=ZIP)
    assert (refused.status_code, "has the SHA-256" in refused.json()["detail"]) == (422, True)
    assert mallory.get(f"/v1/artifacts/{secret.sha256}").status_code == 404
    assert mallory.get("/v1/jobs").json()["jobs"] == []
    with other.database.read() as session:
        assert session.scalars(select(StepRow.key)).all() == []


def test_a_forged_coded_file_is_not_another_jobs(origin: GatewayApp) -> None:
    """A bundle has the coded file that the job's own export has written, though an imported step claims another."""
    job_id = finished(origin)
    content = archive_of(origin, job_id)
    junk = b"not what restores the model"

    def forge(document: dict[str, Any]) -> None:
        for step in steps(document, "export"):
            sha256 = hashlib.sha256(junk).hexdigest()
            step["outputs"]["coded"] = {"sha256": sha256, "size_bytes": len(junk), "media_type": "text/html"}

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        document = json.loads(archive.read("job.json"))
    before = {step["outputs"]["coded"]["sha256"] for step in steps(document, "export")}
    files: dict[str, bytes | None] = {f"artifacts/{sha256}": None for sha256 in before}
    files[f"artifacts/{hashlib.sha256(junk).hexdigest()}"] = junk
    imported(origin, changed(content, forge, **files))
    for step in steps(document, "export"):
        path = f"/v1/jobs/{job_id}/models/{step['outputs']['tflite']['sha256']}/bundle?coded=true"
        with zipfile.ZipFile(io.BytesIO(origin.client.get(path).content)) as bundle:
            name = next(name for name in bundle.namelist() if name.endswith(".epz"))
            assert hashlib.sha256(bundle.read(name)).hexdigest() == step["outputs"]["coded"]["sha256"]


def test_images_are_archived_only_if_asked_for(origin: GatewayApp, other: GatewayApp) -> None:
    """Without them, pages of the data set say where they are; Keras models never leave."""
    job_id = finished(origin)
    content = archive_of(origin, job_id)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        document = json.loads(archive.read("job.json"))
    assert {name for step in document["steps"] for name in step["outputs"]} == {"tflite", "coded"}
    new_id = imported(other, content)
    samples = other.client.get(f"/v1/datasets/{new_id}/samples").json()
    assert samples["dataset"]["classes"] == ["0", "1"]
    assert "imported without its images" in samples["note"]
    row = other.client.get(f"/v1/jobs/{new_id}/report", headers={"Accept": "application/json"}).json()["rows"][0]
    errors = other.client.get(f"/v1/jobs/{new_id}/models/{row['model_sha256']}/errors")
    assert (errors.status_code, "without its images" in errors.json()["detail"]) == (404, True)
    with zipfile.ZipFile(io.BytesIO(archive_of(origin, job_id, "?images=true"))) as archive:
        packs = steps(json.loads(archive.read("job.json")), "pack")
    assert set(packs[0]["outputs"]) == {"train_images", "train_labels", "validation_images", "validation_labels"}


def test_augmented_images_stay_where_they_are(origin: GatewayApp, other: GatewayApp) -> None:
    """The page of the data set is shown without those that training saw, although the results mention them."""
    job_id = finished(origin)
    with origin.database.write() as session:
        for row in session.scalars(select(StepRow).where(StepRow.kind == "stage")):
            assert isinstance(row.result, StageResult)
            augmented = AugmentedSamples(images=(AugmentedImage(index=0, label=0),), epochs=1)
            row.result = row.result.model_copy(update={"augmented": augmented})
    new_id = imported(other, archive_of(origin, job_id, "?images=true"))
    with other.database.read() as session:
        job = session.scalars(select(JobRow).where(JobRow.id == new_id)).one()
        pack = next(step.step for step in job.pipelines[0].steps if step.step.kind == "pack")
        assert pack.outputs is not None
        assert augmented_of_job(session, job, pack.outputs["train_images"].sha256) is None


def test_an_imported_search_has_its_trials(other: GatewayApp, tmp_path: Path) -> None:
    """Its winner, the reasons of its trials and its report; it can't be extended."""
    (tmp_path / "search").mkdir()
    searching = searching_gateway(tmp_path / "search", RandomLabels(random.Random(0)))
    job_id = submit_search(searching)
    finish_search(searching)
    store_outputs(searching)
    with searching.database.write() as session:  # the images that its device classifies are all of the first class
        for row in session.scalars(select(StepRow).where(StepRow.kind == "pack")):
            assert isinstance(row.result, PackResult)
            row.result = row.result.model_copy(update={"validation_counts": (200, 0), "test_counts": (200, 0)})
    new_id = imported(other, archive_of(searching, job_id))
    there = searching.client.get(f"/v1/jobs/{job_id}/trials").json()
    here = other.client.get(f"/v1/jobs/{new_id}/trials").json()
    assert here["winner"]["pipeline"] == there["winner"]["pipeline"]
    assert [trial["trial"] for trial in here["trials"]] == [trial["trial"] for trial in there["trials"]]
    assert other.client.get(f"/v1/jobs/{new_id}/trials/analysis").status_code == 200
    assert other.client.get(f"/v1/jobs/{new_id}/report", headers={"Accept": "text/html"}).status_code == 200
    refused = other.client.post(f"/v1/jobs/{new_id}/extend", json={"trials": 1})
    assert (refused.status_code, "was imported" in refused.json()["detail"]) == (409, True)


def test_the_same_archive_is_the_same_job(origin: GatewayApp, other: GatewayApp) -> None:
    """For a user; another user has a job of their own, which the first does not see."""
    content = archive_of(origin, finished(origin))
    anna, bob = (other.client_as(user, "submit", "read") for user in ("anna", "bob"))
    first = imported(other, content, anna)
    again = anna.post("/v1/jobs/archive", content=content, headers=ZIP)
    assert (again.status_code, again.json()["id"]) == (200, first)
    assert imported(other, content, bob) != first
    assert bob.get(f"/v1/jobs/{first}").status_code == 404
    key = anna.get(f"/v1/jobs/{first}").json()["pipelines"][0]["steps"][0]["key"]
    assert (anna.get(f"/v1/steps/{key}").status_code, bob.get(f"/v1/steps/{key}").status_code) == (200, 404)


def test_an_active_job_is_not_archived(origin: GatewayApp) -> None:
    """A part of a job would be imported as a whole."""
    refused = origin.client.get(f"/v1/jobs/{origin.submit()}/archive")
    assert (refused.status_code, "accepted: a job that has ended" in refused.json()["detail"]) == (409, True)


def test_a_quota_counts_what_is_imported(origin: GatewayApp, other: GatewayApp) -> None:
    """Before anything is extracted, and after as any output."""
    content = archive_of(origin, finished(origin))
    with other.database.write() as session:
        small = create_token(session, other.now, user="anna", scopes=("submit", "read"), max_bytes=len(content) - 1)
    refused = other.client_with(small.text).post("/v1/jobs/archive", content=content, headers=ZIP)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (507, "storage-quota"), refused.text


def test_retention_counts_from_the_import(origin: GatewayApp, other: GatewayApp) -> None:
    """A job that ended long ago elsewhere is kept as long as a job that ends today."""
    other.now += timedelta(days=100)
    new_id = imported(other, archive_of(origin, finished(origin)))
    assert delete_old_jobs(other.database, other.now + timedelta(days=9), timedelta(days=10)) == 0
    assert delete_old_jobs(other.database, other.now + timedelta(days=11), timedelta(days=10)) == 1
    assert other.client.get(f"/v1/jobs/{new_id}").status_code == 404


def test_the_type_of_the_body_is_checked(other: GatewayApp) -> None:
    """Other types are refused, like those of all uploads."""
    assert other.client.post("/v1/jobs/archive", content=b"{}", headers=JSON).status_code == 415

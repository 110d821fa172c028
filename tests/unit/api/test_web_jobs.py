"""Jobs over HTTP: posted, listed, shown, ended, deleted."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from edgepress_api.database import Database, JobRow, StepRow
from edgepress_common.answers.job_list import JobPage
from edgepress_common.answers.jobs import JobView, PlanPreview, StepDetail
from edgepress_common.spec import JobSpec, TrainStage
from fakes.gateway_app import JSON, YAML, GatewayApp, spec_json

YAML_SPEC = """
name: digits
dataset: {kind: builtin, image_size: 32}
model: {architecture: resnet18}
training: &short {epochs: 2}
pipelines:
  - name: base
    stages: [{kind: train, training: *short}]
    exports: [float32, {kind: int8, representative_images: 64}]
"""


@pytest.fixture
def gateway(database: Database, tmp_path: Path) -> GatewayApp:
    """A gateway with one device."""
    return GatewayApp(database, tmp_path)


def test_a_job_posted_as_json_is_accepted(gateway: GatewayApp) -> None:
    """The answer contains the address of the job, and when to request it."""
    response = gateway.client.post("/v1/jobs", content=spec_json(), headers=JSON)
    assert response.status_code == 202
    job = JobView.model_validate_json(response.content)
    assert response.headers["location"] == f"/v1/jobs/{job.id}"
    assert int(response.headers["retry-after"]) > 0
    assert [step.title for step in job.pipelines[0].steps][:2] == ["pack", "train"]
    assert gateway.client.get(response.headers["location"]).json()["id"] == job.id


@pytest.mark.parametrize("media_type", ["application/yaml", "text/yaml; charset=utf-8", "application/x-yaml"])
def test_a_job_posted_as_yaml_is_accepted(gateway: GatewayApp, media_type: str) -> None:
    """Anchors included, which save writing the same training twice."""
    response = gateway.client.post("/v1/jobs", content=YAML_SPEC, headers={"Content-Type": media_type})
    assert response.status_code == 202
    spec = JobSpec.model_validate_json(gateway.client.get(f"/v1/jobs/{response.json()['id']}/spec").content)
    (stage,) = spec.pipeline_list()[0].stages
    assert isinstance(stage, TrainStage)
    assert stage.training == spec.training


def test_the_location_leads_through_a_proxy(database: Database, tmp_path: Path) -> None:
    """A prefix that a proxy removes is in the path that clients get."""
    gateway = GatewayApp(database, tmp_path, root_path="/edgepress")
    response = gateway.client.post("/v1/jobs", content=spec_json(), headers=JSON)
    assert response.headers["location"].startswith("/edgepress/v1/jobs/job-")


def test_validating_answers_the_plan_and_stores_nothing(gateway: GatewayApp) -> None:
    """No step is stored either."""
    response = gateway.client.post("/v1/jobs?validate_only=true", content=spec_json(), headers=JSON)
    assert response.status_code == 200
    preview = PlanPreview.model_validate_json(response.content)
    assert [step.title for step in preview.plan.steps][:2] == ["pack", "train"]
    assert preview.done == ()
    with gateway.database.read() as session:
        assert session.scalar(select(func.count()).select_from(JobRow)) == 0
        assert session.scalar(select(func.count()).select_from(StepRow)) == 0


def test_the_plan_of_a_job_stays_to_be_seen(gateway: GatewayApp) -> None:
    """The very plan that validating answered: the same steps, from the same inputs, in the same order."""
    preview = gateway.client.post("/v1/jobs?validate_only=true", content=spec_json(), headers=JSON).json()
    job_id = gateway.submit()
    assert gateway.client.get(f"/v1/jobs/{job_id}/plan").json() == preview["plan"]
    assert gateway.client.get("/v1/jobs/job-0/plan").status_code == 404


def test_a_misspelt_option_submits_nothing(gateway: GatewayApp) -> None:
    """A misspelt validate_only must not submit a job."""
    response = gateway.client.post("/v1/jobs?validate-only=true", content=spec_json(), headers=JSON)
    assert response.status_code == 422
    assert response.json()["errors"][0]["message"] == "unknown field; did you mean 'validate_only'?"
    assert gateway.client.get("/v1/jobs").json()["jobs"] == []


def test_a_wrong_setting_of_a_stage_is_named_where_it_was_written(gateway: GatewayApp) -> None:
    """It is named at any depth; nothing is stored."""
    stages = "[{kind: train}, {kind: prune, schedule: {kind: polynomial, final_sparsity: 95}}]"
    content = YAML_SPEC_OF_THE_SAME.replace("name: base,", f"name: base, stages: {stages},")
    response = gateway.client.post("/v1/jobs", content=content, headers=YAML)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-spec")
    assert response.json()["errors"] == [
        {
            "field": "pipelines[0].stages[1].schedule.final_sparsity",
            "value": 95,
            "message": "should be less than 1",
            "accepted": "a number above 0 and below 1 (Share of zeros in each layer after the end)",
        }
    ]
    assert gateway.client.get("/v1/jobs").json()["jobs"] == []


def test_an_idempotency_key_stands_for_one_job(gateway: GatewayApp) -> None:
    """Sent again, the first answer; with another spec, refused."""
    headers = JSON | {"Idempotency-Key": "4d0f6a"}
    first = gateway.client.post("/v1/jobs", content=spec_json(), headers=headers)
    again = gateway.client.post("/v1/jobs", content=YAML_SPEC_OF_THE_SAME, headers=headers | YAML)
    assert (again.status_code, again.headers["location"]) == (202, first.headers["location"])
    other = gateway.client.post("/v1/jobs", content=spec_json(name="other"), headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(gateway.client.get("/v1/jobs").json()["jobs"]) == 1


YAML_SPEC_OF_THE_SAME = """
name: digits
dataset: {kind: builtin, image_size: 32}
model: {architecture: resnet18}
training: {epochs: 2}
pipelines: [{name: base, exports: [float32, int8]}]
"""


@pytest.mark.parametrize("key", ["", "k" * 256, "schl\xfcssel".encode("latin-1")])
def test_an_idempotency_key_is_plain_and_short(gateway: GatewayApp, key: str | bytes) -> None:
    """Others are refused, rather than cut or stored as something else."""
    response = gateway.client.post("/v1/jobs", content=spec_json(), headers=JSON | {"Idempotency-Key": key})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "idempotency-key"


def test_jobs_are_listed_in_pages(gateway: GatewayApp) -> None:
    """The newest job is first, each is listed once, and the last page has no page token."""
    ids = [gateway.submit(name=f"job {number}") for number in range(5)]
    found, token = [], None
    while True:
        params = {"page_size": 2} | ({"page_token": token} if token else {})
        page = JobPage.model_validate_json(gateway.client.get("/v1/jobs", params=params).content)
        assert len(page.jobs) <= 2
        found += [job.id for job in page.jobs]
        token = page.next_page_token
        if token is None:
            break
    assert found == ids[::-1]


def test_jobs_are_listed_by_state_and_name(gateway: GatewayApp) -> None:
    """Filters narrow the list."""
    done, waiting = gateway.finished_job(name="one"), gateway.submit(name="two", training={"epochs": 3})
    listed = {
        query: [job["id"] for job in gateway.client.get(f"/v1/jobs?{query}").json()["jobs"]]
        for query in ("state=succeeded", "state=failed", "name=two", "name=tw")
    }
    assert listed == {"state=succeeded": [done], "state=failed": [], "name=two": [waiting], "name=tw": []}


def test_only_an_active_job_says_when_to_look_again(gateway: GatewayApp) -> None:
    """A client that follows Retry-After stops by itself."""
    done = gateway.finished_job()
    active = gateway.submit(training={"epochs": 3})
    assert "retry-after" not in gateway.client.get(f"/v1/jobs/{done}").headers
    assert "retry-after" in gateway.client.get(f"/v1/jobs/{active}").headers


def test_a_job_is_cancelled_taken_up_again_and_deleted(gateway: GatewayApp) -> None:
    """Each action succeeds in suitable states, and is a conflict in others."""
    job_id = gateway.submit()
    assert gateway.client.delete(f"/v1/jobs/{job_id}").status_code == 409
    assert gateway.client.post(f"/v1/jobs/{job_id}/retry").status_code == 409
    cancelled = gateway.client.post(f"/v1/jobs/{job_id}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert gateway.client.post(f"/v1/jobs/{job_id}/cancel").json()["type"] == "/problems/conflict"
    retried = gateway.client.post(f"/v1/jobs/{job_id}/retry")
    assert (retried.status_code, retried.json()["state"]) == (202, "queued")
    gateway.client.post(f"/v1/jobs/{job_id}/cancel")
    deleted = gateway.client.delete(f"/v1/jobs/{job_id}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert gateway.client.get(f"/v1/jobs/{job_id}").status_code == 404


def test_a_step_shows_what_it_gave(gateway: GatewayApp) -> None:
    """Its artifacts, by the names that a client fetches them by."""
    job = JobView.model_validate_json(gateway.client.get(f"/v1/jobs/{gateway.finished_job()}").content)
    export = next(step for step in job.pipelines[0].steps if step.kind == "export")
    detail = StepDetail.model_validate_json(gateway.client.get(f"/v1/steps/{export.key}").content)
    assert detail.outputs is not None
    assert detail.outputs["tflite"].sha256 == "f" * 64


@pytest.mark.parametrize(
    "path",
    ["jobs/job-1", "jobs/job-1/spec", "jobs/%00", "jobs/a%20b", f"steps/{'a' * 64}", "steps/x", "jobs/job-1/report"],
)
def test_what_is_not_there_is_not_found(gateway: GatewayApp, path: str) -> None:
    """However odd the name."""
    response = gateway.client.get(f"/v1/{path}")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")

"""Authentication, and the resources that each user can access."""

import base64
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from edgepress_api.web.dashboard_pages import DASHBOARD_PAGES
from edgepress_common.answers.users import Scope
from edgepress_common.devices import EvaluationLease
from edgepress_common.local_token import is_loopback
from fakes.gateway_app import JSON, GatewayApp, spec_json, sqlite_gateway
from fakes.jobs import ANNOUNCEMENT, evaluation_result
from fakes.zip_beginning import zip_of_bytes

OPEN = "GET /health/live"
ZIP = {"Content-Type": "application/zip"}
ARCHIVE = zip_of_bytes(604)
PLACES = {
    "comparison_id": "cmp-1",
    "job_id": "job-1",
    "sha256": "a" * 64,
    "key": "a" * 64,
    "name": "pi4",
    "step_key": "a" * 64,
    "attempt": "1",
    "lease_request": "a" * 32,
    "message_id": "notice-" + "a" * 16,
    "source": "job-1",
    "index": "0",
}
PAGES = ("/docs", "/openapi.json", "/problems/not-found", "/nowhere")


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway that others can reach."""
    return sqlite_gateway(tmp_path, host="0.0.0.0")


def operations(gateway: GatewayApp) -> dict[str, dict[str, Any]]:
    """Each operation by method and path."""
    document = gateway.client_as("root", "admin").get("/openapi.json").json()
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def asked(client: TestClient, operation: str, **headers: str) -> Any:
    """Return the answer to an operation, with unknown names in its path."""
    method, _, path = operation.partition(" ")
    return client.request(method, path.format(**PLACES), headers=headers)


def test_only_the_liveness_probe_is_answered_without_a_token(gateway: GatewayApp) -> None:
    """All routes, every page that is not the dashboard's, and unknown paths."""
    for operation in operations(gateway):
        response = asked(gateway.client, operation)
        assert response.status_code == (200 if operation == OPEN else 401), operation
    for path in PAGES:
        assert gateway.client.get(path).status_code == 401, path


@pytest.mark.parametrize("path", DASHBOARD_PAGES)
def test_every_page_of_the_dashboard_opens_without_a_token(gateway: GatewayApp, path: str) -> None:
    """A browser sends none with the address that a user opens; the page itself asks for it."""
    response = gateway.client.get(path.format(**PLACES), headers={"Accept": "text/html"})
    assert (response.status_code, "<main" in response.text) == (200, True)


def test_a_refusal_says_what_is_required(gateway: GatewayApp) -> None:
    """The answer is a problem with a challenge, and does not repeat what was sent."""
    none = gateway.client.get("/v1/jobs")
    assert none.headers["www-authenticate"] == 'Bearer realm="Edgepress"'
    assert none.headers["content-type"] == "application/problem+json"
    assert none.json()["type"] == "/problems/unauthorized"
    assert "the request has no credentials" in none.json()["detail"]
    wrong = gateway.client.get("/v1/jobs", headers={"Authorization": "Bearer edgepress_mine"})
    assert (wrong.status_code, "edgepress_mine" in wrong.text) == (401, False)
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    weak = gateway.client_as("anna", "read").post("/v1/jobs", content=spec_json(), headers=JSON)
    assert (weak.status_code, weak.json()["type"]) == (403, "/problems/forbidden")
    assert 'error="insufficient_scope", scope="submit"' in weak.headers["www-authenticate"]


# All operations: each new one must be assigned. These need a token of any scope.
KNOWN = {
    "GET /v1/methods", "GET /v1/exports", "GET /v1/architectures", "GET /v1/figures", "GET /v1/spec-schema",
    "GET /v1/templates",
    "GET /v1/whoami", "GET /health/ready",
}  # fmt: skip
# And these are opened by a scope.
NEEDED: dict[str, set[Scope]] = {
    "POST /v1/jobs": {"submit"}, "POST /v1/jobs/{job_id}/cancel": {"submit"},
    "PUT /v1/jobs/{job_id}/labels": {"submit"}, "GET /v1/facets": {"read"},
    "GET /v1/jobs/{job_id}/trials": {"read"}, "GET /v1/jobs/{job_id}/trials/analysis": {"read"},
    "GET /v1/jobs/{job_id}/charts": {"read"}, "POST /v1/jobs/{job_id}/extend": {"submit"},
    "POST /v1/jobs/{job_id}/retry": {"submit"}, "DELETE /v1/jobs/{job_id}": {"submit"}, "POST /v1/datasets": {"submit"},
    "POST /v1/models": {"submit"}, "GET /v1/models": {"read"}, "GET /v1/models/{sha256}": {"read"},
    "GET /v1/jobs": {"read"}, "GET /v1/jobs/{job_id}": {"read"}, "GET /v1/jobs/{job_id}/spec": {"read"},
    "GET /v1/jobs/{job_id}/plan": {"read"},
    "GET /v1/jobs/{job_id}/events": {"read"}, "GET /v1/jobs/{job_id}/report": {"read"}, "GET /v1/steps/{key}": {"read"},
    "DELETE /v1/steps/{key}/result": {"submit"}, "DELETE /v1/datasets/{sha256}": {"submit"},
    "DELETE /v1/models/{sha256}": {"submit"},
    "GET /v1/jobs/{job_id}/report.csv": {"read"}, "GET /v1/jobs/{job_id}/report.html": {"read"},
    "GET /v1/datasets": {"read"}, "GET /v1/datasets/{sha256}": {"read"}, "GET /v1/devices": {"read"},
    "GET /v1/devices/{name}/latency-model": {"read"},
    "GET /metrics": {"read"}, "GET /v1/comparison": {"read"}, "GET /v1/comparisons": {"read"},
    "POST /v1/comparisons": {"submit"}, "GET /v1/comparisons/{comparison_id}": {"read"},
    "DELETE /v1/comparisons/{comparison_id}": {"submit"}, "GET /v1/jobs/{job_id}/recommendation": {"read"},
    "GET /v1/jobs/{job_id}/models/{sha256}/bundle": {"read"},
    "GET /v1/jobs/{job_id}/models/{sha256}/c-source": {"read"},
    "GET /v1/jobs/{job_id}/models/{sha256}/sensitivity": {"read"}, "GET /v1/jobs/{job_id}/archive": {"read"},
    "POST /v1/jobs/archive": {"submit"},
    "GET /v1/jobs/{job_id}/models/{sha256}/errors": {"read"},
    "GET /v1/datasets/{source}/samples": {"read"},
    "GET /v1/artifacts/{sha256}/images/{index}": {"read"},
    "GET /v1/jobs/{job_id}/notifications": {"read"}, "GET /v1/notifications/{message_id}": {"read"},
    "POST /v1/notifications/test": {"submit"},
    "GET /v1/artifacts/{sha256}": {"read", "device"}, "HEAD /v1/artifacts/{sha256}": {"read", "device"},
    "POST /v1/devices/{name}/lease": {"device"},
    "DELETE /v1/devices/{name}/lease-requests/{lease_request}": {"device"},
    "POST /v1/devices/{name}/leases/{step_key}/{attempt}/renew": {"device"},
    "POST /v1/devices/{name}/leases/{step_key}/{attempt}/finish": {"device"},
    "POST /v1/devices/{name}/leases/{step_key}/{attempt}/fail": {"device"},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["submit", "read", "device", "admin"])
def test_a_scope_opens_its_routes_and_no_others(gateway: GatewayApp, scope: Scope) -> None:
    """Where a token opens a route, the error is another: of the body, or Not found."""
    client = gateway.client_as("anna", scope, device="pi4" if scope == "device" else None)
    found = operations(gateway)
    assert {OPEN, *KNOWN, *NEEDED} == set(found)
    for operation in found:
        needed = NEEDED.get(operation)
        allowed = needed is None or scope == "admin" or scope in needed
        assert (asked(client, operation).status_code != 403) == allowed, operation


def test_the_description_names_scheme_and_scopes(gateway: GatewayApp) -> None:
    """A generated client asks for a token, and handles its rejection."""
    for name, operation in operations(gateway).items():
        if name == OPEN:
            assert operation["security"] == []
            continue
        assert [set(requirement["token"]) for requirement in operation["security"]] == [NEEDED.get(name, set())], name
        assert "401" in operation["responses"], name
        assert ("403" in operation["responses"]) == (name in NEEDED), name


@dataclass
class Users:
    """Create two users and an admin; the first user has a finished job and a data set."""

    gateway: GatewayApp
    anna: TestClient
    ben: TestClient
    admin: TestClient
    job_id: str
    dataset: str


@pytest.fixture
def users(gateway: GatewayApp) -> Users:
    """See `Users`. The job uses anna's data set, so ben owns nothing of it."""
    anna, ben = (gateway.client_as(user, "read", "submit") for user in ("anna", "ben"))
    upload = anna.post("/v1/datasets?name=patients", content=ARCHIVE, headers=ZIP).json()
    spec = spec_json(dataset=upload["dataset"] | {"image_size": 32})
    job_id = anna.post("/v1/jobs", content=spec, headers=JSON).json()["id"]
    gateway.workforce.work_until_nothing_is_left()
    return Users(gateway, anna, ben, gateway.client_as("root", "admin"), job_id, upload["sha256"])


def test_anothers_job_can_not_be_compared_with(users: Users) -> None:
    """Neither first nor last is possible; the error is the one for an unknown name."""
    spec = spec_json()
    bens = users.ben.post("/v1/jobs", content=spec, headers=JSON).json()["id"]
    for jobs in ((users.job_id, bens), (bens, users.job_id), (bens, "job-1")):
        answer = users.ben.get("/v1/comparison", params={"job": jobs})
        other = next(job for job in jobs if job != bens)
        assert (answer.status_code, answer.json()["detail"]) == (404, f"job {other!r} does not exist")
    assert users.ben.get("/v1/comparison", params={"job": (bens, bens)}).status_code != 404
    assert users.admin.get("/v1/comparison", params={"job": (bens, users.job_id)}).status_code == 200


def test_a_users_job_is_not_found_by_others(users: Users) -> None:
    """Another user gets, for each request, the same answer as for a job that never existed."""
    for operation in operations(users.gateway):
        if "{job_id}" not in operation:
            continue
        method, _, path = operation.partition(" ")
        theirs, nobodys = (
            users.ben.request(method, path.format(**PLACES | {"job_id": job_id}), headers={"X-Request-ID": "same"})
            for job_id in (users.job_id, "job-0000000000000000")
        )
        assert theirs.status_code == 404, operation
        assert theirs.text.replace(users.job_id, "job-0000000000000000") == nobodys.text, operation
    assert users.anna.get(f"/v1/jobs/{users.job_id}").json()["owner"] == "anna"
    assert users.admin.get(f"/v1/jobs/{users.job_id}").status_code == 200


def test_lists_show_a_users_own(users: Users) -> None:
    """These are jobs and data sets; an admin sees all. The page has the same content for all users, without jobs."""
    for path, key in (("/v1/jobs", "jobs"), ("/v1/datasets", "datasets")):
        lengths = [len(client.get(path).json()[key]) for client in (users.anna, users.ben, users.admin)]
        assert lengths == [1, 0, 1], path
    pages = {client.get("/").text for client in (users.anna, users.ben, users.admin)}
    assert (len(pages), users.job_id in pages.pop()) == (1, False)


def test_steps_and_artifacts_are_whose_job_needs_them(users: Users) -> None:
    """Another user gets none, though they know the name; nor the data set, by any route."""
    users.gateway.store.put_chunks([b"model"])
    job = users.anna.get(f"/v1/jobs/{users.job_id}").json()
    keys = {step["key"] for pipeline in job["pipelines"] for step in pipeline["steps"]}
    for key in keys:
        assert [client.get(f"/v1/steps/{key}").status_code for client in (users.anna, users.ben)] == [200, 404]
    artifact = f"/v1/artifacts/{users.dataset}"
    assert [client.get(artifact).status_code for client in (users.anna, users.ben, users.admin)] == [200, 404, 200]
    assert users.ben.get(f"/v1/datasets/{users.dataset}").status_code == 404
    stolen = spec_json(dataset={"kind": "upload", "sha256": users.dataset, "image_size": 32})
    refused = users.ben.post("/v1/jobs", content=stolen, headers=JSON)
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (422, "has not been uploaded")


def test_an_artifact_is_fetched_by_the_user_whose_step_made_it(gateway: GatewayApp) -> None:
    """An artifact that was not made by a step is available to the admin only."""
    anna, ben = gateway.client_as("anna", "read", "submit"), gateway.client_as("ben", "read", "submit")
    model = gateway.store.put_chunks([b"model"])
    anna.post("/v1/jobs", content=spec_json(), headers=JSON)
    assert anna.get(f"/v1/artifacts/{model.sha256}").status_code == 404
    (pack,) = gateway.workforce.take()
    with gateway.database.write() as session:
        gateway.ledger.finish(
            session, pack.step_key, 1, outputs={"train_images": model}, result=_pack_result(), now=gateway.now
        )
    assert [client.get(f"/v1/artifacts/{model.sha256}").status_code for client in (anna, ben)] == [200, 404]


def _pack_result() -> Any:
    from edgepress_common.results import PackResult

    return PackResult(classes=("0", "1"), train_counts=(8, 8), validation_counts=(2, 2))


def test_shared_steps_are_done_once_and_show_nothing_of_the_other(gateway: GatewayApp) -> None:
    """Both users' jobs end by one run of each step; neither sees the other's job, each sees the steps."""
    anna, ben = gateway.client_as("anna", "read", "submit"), gateway.client_as("ben", "read", "submit")
    jobs = [
        client.post("/v1/jobs", content=spec_json(name=name), headers=JSON).json()["id"]
        for client, name in ((anna, "anna's secret"), (ben, "ben's secret"))
    ]
    gateway.workforce.work_until_nothing_is_left()
    done = gateway.workforce.done
    assert sorted(done) == ["evaluation", "evaluation", "export", "export", "pack", "stage"]
    for client, own, other in ((anna, *jobs), (ben, *reversed(jobs))):
        shown = client.get(f"/v1/jobs/{own}")
        assert shown.json()["state"] == "succeeded"
        assert client.get(f"/v1/jobs/{other}").status_code == 404
        others_name = "ben's secret" if client is anna else "anna's secret"
        key = shown.json()["pipelines"][0]["steps"][0]["key"]
        everything = [
            shown,
            client.get(f"/v1/steps/{key}"),
            client.get(f"/v1/jobs/{own}/events"),
            client.get("/v1/jobs"),
        ]
        assert not [page for page in everything if others_name in page.text or other in page.text]


def test_users_may_use_the_same_idempotency_key(gateway: GatewayApp) -> None:
    """Each has their own spec, and gets their own job with every request."""
    headers = JSON | {"Idempotency-Key": "1"}
    answers = {
        user: [
            gateway.client_as(user, "submit", "read").post("/v1/jobs", content=spec_json(name=user), headers=headers)
            for _ in range(2)
        ]
        for user in ("anna", "ben")
    }
    for user, (first, again) in answers.items():
        assert first.status_code == 202
        assert (first.json()["id"], first.json()["name"]) == (again.json()["id"], user)
    assert answers["anna"][0].json()["id"] != answers["ben"][0].json()["id"]


def test_users_have_data_sets_of_their_own_though_the_bytes_are_the_same(gateway: GatewayApp) -> None:
    """Neither learns that the other has them: each is told that they are new, and sees the name they gave."""
    for user in ("anna", "ben"):
        client = gateway.client_as(user, "submit", "read")
        first = client.post(f"/v1/datasets?name=of-{user}", content=ARCHIVE, headers=ZIP)
        again = client.post("/v1/datasets?name=again", content=ARCHIVE, headers=ZIP)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["name"] == again.json()["name"] == f"of-{user}"
        assert [each["name"] for each in client.get("/v1/datasets").json()["datasets"]] == [f"of-{user}"]
    admin = gateway.client_as("root", "admin")
    first_page = admin.get("/v1/datasets?page_size=1").json()
    second_page = admin.get(f"/v1/datasets?page_size=1&page_token={first_page['next_page_token']}").json()
    assert {page["datasets"][0]["owner"] for page in (first_page, second_page)} == {"anna", "ben"}


def test_a_device_gets_its_own_work_and_what_that_needs(gateway: GatewayApp) -> None:
    """It acts as itself only; it gets the files of its lease while it has it, and no others; no jobs at all."""
    gateway.client_as("anna", "submit").post("/v1/jobs", content=spec_json(), headers=JSON)
    gateway.workforce.finish_all_steps()
    pi4, pi5 = (gateway.client_as("lab", "device", device=name) for name in ("pi4", "pi5"))
    body = ANNOUNCEMENT.model_dump_json()
    refused = pi5.post("/v1/devices/pi4/lease", content=body, headers=JSON)
    assert (refused.status_code, "'pi5', not for 'pi4'" in refused.json()["detail"]) == (403, True)
    lease = EvaluationLease.model_validate_json(pi4.post("/v1/devices/pi4/lease", content=body, headers=JSON).content)

    with gateway.database.read() as session:
        from edgepress_api.access.principal import Principal
        from edgepress_api.access.visibility import sees_artifact

        sees = {
            name: [
                sees_artifact(session, Principal(user="lab", scopes=frozenset({"device"}), device=name), reference)
                for reference in (lease.model.sha256, lease.images.sha256, "e" * 64)  # the last: the Keras model
            ]
            for name in ("pi4", "pi5")
        }
    assert sees == {"pi4": [True, True, False], "pi5": [False, False, False]}

    path = f"/v1/devices/pi4/leases/{lease.step_key}/{lease.attempt}/finish"
    result = evaluation_result("pi4").model_dump_json()
    assert pi5.post(path, content=result, headers=JSON).status_code == 403
    assert pi4.post(path, content=result, headers=JSON).status_code == 204
    assert pi4.get("/v1/jobs").status_code == 403
    assert pi4.get(f"/v1/artifacts/{lease.model.sha256}").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "edgepress.example"}, 401),
        ({"Host": "127.0.0.1.evil.example"}, 401),
        ({"X-Forwarded-For": "10.0.0.1"}, 401),
        ({"Forwarded": "for=10.0.0.1"}, 401),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Origin": "https://evil.example"}, 401),
        ({"Origin": "null"}, 401),
        ({"Origin": "http://[::1"}, 401),
        ({"Authorization": "Bearer of-another-server"}, 200),
    ],
)
def test_on_loopback_the_machine_itself_needs_none(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    """A client that comes through a proxy, by a foreign host name, or from the page of another server needs one."""
    assert sqlite_gateway(tmp_path).client.get("/v1/jobs", headers=headers).status_code == status


def test_on_loopback_a_token_counts(tmp_path: Path) -> None:
    """A client with a token sees the resources of its user."""
    gateway = sqlite_gateway(tmp_path)
    gateway.submit()
    assert len(gateway.client.get("/v1/jobs").json()["jobs"]) == 1
    assert gateway.client_as("anna", "read").get("/v1/jobs").json()["jobs"] == []
    assert len(gateway.client_as("local", "read").get("/v1/jobs").json()["jobs"]) == 1


def test_loopback_can_be_set_to_require_tokens(tmp_path: Path) -> None:
    """A setting requires tokens."""
    gateway = sqlite_gateway(tmp_path)
    settings = gateway.adapters.settings.model_copy(update={"require_tokens": True})
    assert gateway.with_adapters(settings=settings).get("/v1/jobs").status_code == 401


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.example", False), ("", False),
    ],
)  # fmt: skip
def test_loopback_is_known_by_its_address(host: str, expected: bool) -> None:
    """Every other address can be reached from other machines, or might be."""
    assert is_loopback(host) is expected


def test_a_browser_can_look_but_not_do(gateway: GatewayApp) -> None:
    """A browser asks for a password, which is the token; its automatic requests can't change anything."""
    asked_for = gateway.client.get("/docs", headers={"Accept": "text/html"})
    assert asked_for.headers["www-authenticate"].endswith('Basic realm="Edgepress", charset="UTF-8"')
    token = gateway.token("anna", "admin")
    basic = {"Authorization": "Basic " + base64.b64encode(f"anna:{token}".encode()).decode()}
    assert gateway.client.get("/docs", headers=basic).status_code == 200
    assert gateway.client.post("/v1/jobs", content=spec_json(), headers=basic | JSON).status_code == 401
    for broken in ("Basic", "Basic ====", "Basic /w==", "Digest x", "Bearer", "\xff"):
        headers = {"Authorization": broken.encode("latin-1")}
        assert gateway.client.get("/docs", headers=headers).status_code == 401


def test_a_revoked_token_is_refused_at_the_next_request(gateway: GatewayApp) -> None:
    """No cache keeps a revoked token valid."""
    from edgepress_api.access.tokens import revoke_token

    token = gateway.token("anna", "read")
    client = gateway.client_with(token)
    assert client.get("/v1/jobs").status_code == 200
    with gateway.database.write() as session:
        revoke_token(session, token.split("_")[1], gateway.now)
    assert client.get("/v1/jobs").status_code == 401


def test_access_is_refused_while_the_database_is_unavailable(gateway: GatewayApp) -> None:
    """Clients are asked to retry, and the server does not log an error."""

    class Away:
        def read(self) -> None:
            raise OperationalError("SELECT", {}, Exception("gone"))

    token = gateway.token("anna", "read")
    client = gateway.with_adapters(database=Away())
    response = client.get("/v1/exports", headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")


def test_tokens_are_not_logged(gateway: GatewayApp, caplog: pytest.LogCaptureFixture) -> None:
    """Neither valid nor invalid tokens are logged, at any level."""
    token = gateway.token("anna", "read")
    with caplog.at_level(logging.DEBUG):
        gateway.client_with(token).get("/v1/jobs")
        gateway.client_with(token[:-1] + "x").get("/v1/jobs")
        gateway.client_with(token).post("/v1/jobs", content=b"{", headers=JSON)
    assert token[:-1] not in caplog.text

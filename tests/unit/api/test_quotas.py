"""Quotas of a user, over HTTP; and that many jobs of one user do not block those of another."""

import json
from collections import Counter, deque
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from edgepress_api.access.principal import Principal
from edgepress_api.access.quotas import bytes_left
from edgepress_api.access.tokens import create_token
from edgepress_api.settings import ApiSettings
from edgepress_common.answers.users import Scope
from edgepress_common.messages import RunStep
from fakes.gateway_app import JSON, GatewayApp, spec_json, sqlite_gateway
from fakes.jobs import small_spec
from fakes.zip_beginning import zip_of_bytes

ZIP = {"Content-Type": "application/zip"}
ARCHIVE = zip_of_bytes(1000)


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def limited(gateway: GatewayApp, user: str = "anna", **limits: int) -> TestClient:
    """A client whose token has limits of its own."""
    scopes: tuple[Scope, ...] = ("submit", "read")
    with gateway.database.write() as session:
        token = create_token(session, gateway.now, user=user, scopes=scopes, **limits)  # type: ignore[arg-type]
    return gateway.client_with(token.text)


def post(client: TestClient, name: str, **headers: str) -> int:
    """Post a job that shares no step with one of another name, and return the status."""
    body = spec_json(name=name, training={"epochs": 2, "seed": sum(name.encode())})
    return int(client.post("/v1/jobs", content=body, headers=JSON | headers).status_code)


def test_active_jobs_are_limited(gateway: GatewayApp) -> None:
    """The next is refused until one ends; a job that is only validated, or was posted before, does not count."""
    anna = limited(gateway, max_jobs=2)
    key = {"Idempotency-Key": "1"}
    assert [post(anna, "a", **key), post(anna, "b"), post(anna, "c"), post(anna, "a", **key)] == [202, 202, 429, 202]
    refused = anna.post("/v1/jobs", content=spec_json(), headers=JSON)
    assert (refused.json()["type"], refused.headers["retry-after"]) == ("/problems/too-many-jobs", "60")
    assert "anna has 2 active jobs; accepted: 2 at once" in refused.json()["detail"]
    assert anna.post("/v1/jobs?validate_only=true", content=spec_json(), headers=JSON).status_code == 200
    assert post(limited(gateway, "ben", max_jobs=2), "c") == 202
    job = anna.get("/v1/jobs").json()["jobs"][0]["id"]
    assert anna.post(f"/v1/jobs/{job}/cancel").status_code == 200
    assert post(anna, "c") == 202
    assert anna.post(f"/v1/jobs/{job}/retry").status_code == 429


def test_a_users_tokens_share_one_limit(gateway: GatewayApp) -> None:
    """Another token of the same user has the same quota of jobs."""
    assert post(limited(gateway, max_jobs=1), "a") == 202
    assert post(limited(gateway, max_jobs=1), "b") == 429


def test_what_is_stored_is_limited_to_the_byte(gateway: GatewayApp) -> None:
    """An upload that fits exactly is accepted; one byte more is rejected, and nothing of it is stored."""
    anna = limited(gateway, max_bytes=1000)
    refused = anna.post("/v1/datasets?name=x", content=ARCHIVE + b"1", headers=ZIP)
    assert (refused.status_code, refused.json()["type"]) == (507, "/problems/storage-quota")
    assert anna.get("/v1/datasets").json()["datasets"] == []
    assert [path for path in (gateway.folder / "artifacts").rglob("*") if path.is_file()] == []
    assert anna.post("/v1/datasets?name=x", content=ARCHIVE, headers=ZIP).status_code == 201
    assert anna.post("/v1/datasets?name=y", content=b"PK\x03\x04", headers=ZIP).status_code == 507
    assert post(anna, "a") == 507
    assert limited(gateway, "ben", max_bytes=1000).post(
        "/v1/datasets?name=x", content=ARCHIVE, headers=ZIP
    ).status_code == 201  # fmt: skip


def test_what_jobs_gave_counts_once_for_each_user(gateway: GatewayApp) -> None:
    """The number of the user's steps and jobs that share them does not matter; deleting the jobs frees the storage."""
    anna, ben = (limited(gateway, user, max_bytes=10_000) for user in ("anna", "ben"))
    jobs = [anna.post("/v1/jobs", content=spec_json(name=name), headers=JSON).json()["id"] for name in "ab"]
    ben.post("/v1/jobs", content=spec_json(name="c"), headers=JSON)
    gateway.workforce.work_until_nothing_is_left()

    def left(user: str) -> int | None:
        with gateway.database.read() as session:
            return bytes_left(session, Principal(user=user, scopes=frozenset(), max_bytes=10_000))

    # Four arrays, a model, and one file and its coded file for both exports, of 100 bytes each.
    assert [left("anna"), left("ben"), left("carl")] == [9300, 9300, 10_000]
    for job in jobs:
        anna.delete(f"/v1/jobs/{job}")
    assert [left("anna"), left("ben")] == [10_000, 9300]


def test_a_pack_may_have_what_its_user_can_still_store(gateway: GatewayApp) -> None:
    """The worker is told before it packs; of several users who want the step, the one who can store the most counts."""
    anna, ben = (limited(gateway, user, max_bytes=size) for user, size in (("anna", 10_000), ("ben", 5_000)))
    for user in (anna, ben):
        assert user.post("/v1/datasets?name=x", content=ARCHIVE, headers=ZIP).status_code == 201
        assert post(user, "a") == 202
    (step,) = gateway.workforce.take()
    assert (step.parameters.kind, step.most_bytes) == ("pack", 10_000 - len(ARCHIVE))
    gateway.workforce.finish(step)
    assert [other.most_bytes for other in gateway.workforce.take()] == [None]


def test_a_pack_of_a_user_without_a_limit_has_none(gateway: GatewayApp) -> None:
    """Also if another user who wants it has one."""
    assert post(limited(gateway, "anna", max_bytes=10_000), "a") == 202
    gateway.submit(name="b")
    (step,) = gateway.workforce.take()
    assert step.most_bytes is None


def test_the_servers_limit_holds_where_a_token_has_none(gateway: GatewayApp) -> None:
    """The limit does not apply to admins, nor where tokens are not required."""
    settings = ApiSettings(max_jobs=0, require_tokens=False)
    app = GatewayApp.client_of(gateway, replace(gateway.adapters, settings=settings))
    for scopes, limits, expected in (
        (("submit",), {}, 429),
        (("submit",), {"max_jobs": 1}, 202),
        (("admin",), {}, 202),
    ):
        with gateway.database.write() as session:
            token = create_token(session, gateway.now, user="x", scopes=scopes, **limits)  # type: ignore[arg-type]
        assert post(app, json.dumps(limits), Authorization=f"Bearer {token.text}") == expected
    assert post(app, "local") == 202


def submit_as(gateway: GatewayApp, user: str, seed: int) -> str:
    """Return the spec of a job with a training of its own."""
    who = Principal(user=user, scopes=frozenset({"submit"}))
    spec = small_spec(name=f"{user} {seed}", training={"epochs": 2, "seed": seed})
    return gateway.submission.submit(spec, gateway.now, by=who)


def _owner(gateway: GatewayApp, key: str) -> str:
    """Return the user whose job has a step."""
    jobs = gateway.client.get("/v1/jobs?page_size=100").json()["jobs"]
    (owner,) = {job["owner"] for job in jobs if key in gateway.client.get(f"/v1/jobs/{job['id']}").text}
    return str(owner)


@pytest.mark.slow
def test_a_user_with_many_jobs_does_not_keep_one_with_few_waiting(gateway: GatewayApp) -> None:
    """A job that is posted after forty of another user begins next but one; then the forty continue."""
    for seed in range(40):
        submit_as(gateway, "anna", seed)
    for seed in (100, 101):
        submit_as(gateway, "ben", seed)
    first = active_after_training(gateway, 6)
    assert Counter(first[:4]) == {"anna": 2, "ben": 2}
    assert first[4:] == ["anna", "anna"]


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_a_single_worker_serves_users_alternately(gateway: GatewayApp, ahead: int) -> None:
    """However many steps are sent ahead of it: over six trainings, each user gets about half."""
    for seed in range(20):
        submit_as(gateway, "anna", seed)
    for seed in range(100, 110):
        submit_as(gateway, "ben", seed)
    for pack in gateway.workforce.take():
        gateway.workforce.finish(pack)
    line: deque[RunStep] = deque()
    owners: list[str] = []
    while len(owners) < 12:
        line.extend(step for step in gateway.workforce.take(ahead=ahead) if step.parameters.kind == "stage")
        step = line.popleft()
        gateway.workforce.now += timedelta(seconds=60)
        with gateway.database.write() as session:
            gateway.ledger.renew(session, step.step_key, 1, holder="w", progress=None, now=gateway.workforce.now)
        line.extend(step for step in gateway.workforce.take(ahead=ahead) if step.parameters.kind == "stage")
        gateway.workforce.finish(step)
        owners.append(_owner(gateway, step.step_key))
    assert abs(Counter(owners)["ben"] - 6) <= 1, owners


def active_after_training(gateway: GatewayApp, count: int) -> list[str]:
    """Return the owners of the trainings in the order in which workers get them, while none finishes."""
    owners: list[str] = []
    for pack in gateway.workforce.take():
        gateway.workforce.finish(pack)
    while len(owners) < count:
        for step in gateway.workforce.take(ahead=1):
            owners.append(_owner(gateway, step.step_key))
            with gateway.database.write() as session:
                gateway.ledger.renew(
                    session, step.step_key, 1, holder=f"w{len(owners)}", progress=None, now=gateway.now
                )
    return owners


def test_a_user_alone_gets_all_steps_in_the_order_of_their_jobs(gateway: GatewayApp) -> None:
    """The order is that without fair scheduling."""
    ids = [submit_as(gateway, "anna", seed) for seed in range(3)]
    for pack in gateway.workforce.take():
        gateway.workforce.finish(pack)
    keys = [step.step_key for step in gateway.workforce.take()]
    stages = [
        next(
            step["key"]
            for pipeline in gateway.client.get(f"/v1/jobs/{id_}").json()["pipelines"]
            for step in pipeline["steps"]
            if step["kind"] == "stage"
        )
        for id_ in ids
    ]
    assert keys == stages


def test_a_step_that_users_share_is_sent_once(gateway: GatewayApp) -> None:
    """It is sent in the turn of its first user."""
    for user in ("anna", "ben"):
        gateway.submission.submit(small_spec(), gateway.now, by=Principal(user=user, scopes=frozenset({"submit"})))
    assert [step.parameters.kind for step in gateway.workforce.take()] == ["pack"]

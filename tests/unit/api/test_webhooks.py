"""Words about jobs that have ended: signed, tried again, seen in the job."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edgepress_api.webhooks.courier import PAUSES, Courier
from edgepress_api.webhooks.posting import NotTakenError
from edgepress_api.webhooks.signature import signed_headers
from fakes.gateway_app import JSON, GatewayApp, sqlite_gateway
from fakes.jobs import small_spec

SECRET = "a secret of sixteen"
HOOK = {"url": "https://hook.example/jobs", "secret": SECRET}


@dataclass
class Receiver:
    """Keeps what is posted, and takes it unless told otherwise."""

    refusals: int = 0
    heard: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See `Poster.post`."""
        self.heard.append((url, headers, body))
        if self.refusals:
            self.refusals -= 1
            raise NotTakenError("answered with 500; accepted: 200 to 299")
        return 202


@dataclass
class Told:
    """A gateway with a job that has a webhook, a courier, and who is told."""

    gateway: GatewayApp
    receiver: Receiver
    job_id: str

    @property
    def courier(self) -> Courier:
        """One that has just been started: it keeps nothing between rounds."""
        return Courier(database=self.gateway.database, poster=self.receiver, clock=lambda: self.gateway.now)

    def webhook(self) -> dict[str, str | int | None]:
        """As the job shows it."""
        shown: dict[str, str | int | None] = self.gateway.client.get(f"/v1/jobs/{self.job_id}").json()["webhook"]
        return shown

    def end(self) -> None:
        """The job's steps are done, and it ends."""
        self.gateway.workforce.work_until_nothing_is_left()
        self.gateway.now = self.gateway.workforce.now

    def wait(self, pause: timedelta) -> None:
        """Lets time go by."""
        self.gateway.now += pause


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """See `Told`. The job is under way."""
    gateway = sqlite_gateway(tmp_path)
    body = json.dumps(json.loads(small_spec().model_dump_json()) | {"webhook": HOOK})
    response = gateway.client.post("/v1/jobs", content=body, headers=JSON)
    assert response.status_code == 202
    return Told(gateway, Receiver(), response.json()["id"])


def test_a_job_that_ends_is_told_once(told: Told) -> None:
    """Not before, and not again; with its state, so that nobody need ask."""
    assert told.courier.round() == 0
    assert (told.webhook()["state"], told.webhook()["url"]) == ("waiting", HOOK["url"])
    told.end()
    assert [told.courier.round(), told.courier.round()] == [1, 0]
    ((url, _, body),) = told.receiver.heard
    said = json.loads(body)
    assert (url, said["type"], said["job"], said["state"]) == (HOOK["url"], "job.ended", told.job_id, "succeeded")
    assert (told.webhook()["state"], told.webhook()["answer"]) == ("delivered", "answered with 202")


def test_a_word_is_signed_by_whoever_knows_the_secret(told: Told) -> None:
    """As a receiver checks it: over id, moment and the very bytes."""
    told.end()
    told.courier.round()
    ((_, headers, body),) = told.receiver.heard
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(SECRET.encode(), message, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert int(headers["webhook-timestamp"]) == int(told.gateway.now.timestamp())


def test_a_secret_of_the_standards_form_is_decoded(now: datetime) -> None:
    """So that its libraries can check it; another body, id or moment is signed otherwise."""
    key = bytes(range(24))
    secret = "whsec_" + base64.b64encode(key).decode()
    headers = signed_headers(secret, "w", now, b"{}")
    message = f"w.{int(now.timestamp())}.{{}}".encode()
    assert headers["webhook-signature"].endswith(
        base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    )
    others = [
        signed_headers(secret, "w", now, b"{ }"),
        signed_headers(secret, "v", now, b"{}"),
        signed_headers(secret, "w", now + timedelta(seconds=1), b"{}"),
        signed_headers(secret + "BBBB", "w", now, b"{}"),
    ]
    assert headers["webhook-signature"] not in [other["webhook-signature"] for other in others]


def test_what_is_not_taken_is_tried_again_after_growing_pauses(told: Told) -> None:
    """Under the same id, until it is taken; meanwhile the job shows why not."""
    told.end()
    told.receiver.refusals = 2
    told.courier.round()
    assert (told.webhook()["state"], told.webhook()["attempts"]) == ("due", 1)
    assert "answered with 500" in str(told.webhook()["answer"])
    for pause in PAUSES[:2]:
        told.wait(pause - timedelta(seconds=1))
        assert told.courier.round() == 0
        told.wait(timedelta(seconds=1))
        assert told.courier.round() == 1
    assert (told.webhook()["state"], told.webhook()["attempts"]) == ("delivered", 3)
    assert len({headers["webhook-id"] for _, headers, _ in told.receiver.heard}) == 1


def test_what_is_never_taken_is_given_up_and_said_so(told: Told) -> None:
    """After the last pause; the job itself is none the worse."""
    told.end()
    told.receiver.refusals = 100
    for pause in (timedelta(0), *PAUSES, timedelta(days=30)):
        told.wait(pause)
        told.courier.round()
    assert len(told.receiver.heard) == len(PAUSES) + 1
    assert (told.webhook()["state"], told.webhook()["due_at"]) == ("failed", None)
    assert told.gateway.client.get(f"/v1/jobs/{told.job_id}").json()["state"] == "succeeded"


def test_a_courier_that_is_killed_leaves_the_word_to_the_next(told: Told) -> None:
    """Claimed and not posted, it is due again a while later."""
    told.end()
    assert len(told.courier._claim()) == 1
    assert told.courier.round() == 0
    told.wait(timedelta(minutes=3))
    assert told.courier.round() == 1
    assert told.webhook()["state"] == "delivered"


def test_a_job_that_is_cancelled_retried_and_ends_is_told_twice(told: Told) -> None:
    """As two words, with two ids."""
    for action in ("cancel", "retry"):
        assert told.gateway.client.post(f"/v1/jobs/{told.job_id}/{action}").is_success
        told.courier.round()
    told.end()
    told.courier.round()
    assert [json.loads(body)["state"] for _, _, body in told.receiver.heard] == ["cancelled", "succeeded"]
    assert len({headers["webhook-id"] for _, headers, _ in told.receiver.heard}) == 2


def test_a_job_that_is_taken_up_again_is_not_told_of_meanwhile(told: Told) -> None:
    """The word that nobody had taken yet would no longer be true."""
    told.receiver.refusals = 1
    told.gateway.client.post(f"/v1/jobs/{told.job_id}/cancel")
    told.courier.round()
    told.gateway.client.post(f"/v1/jobs/{told.job_id}/retry")
    told.wait(timedelta(days=1))
    assert told.courier.round() == 0
    assert told.webhook()["state"] == "waiting"


def test_a_job_that_is_deleted_takes_its_webhook_along(told: Told) -> None:
    """Nothing is posted about what is not there."""
    told.end()
    assert told.gateway.client.delete(f"/v1/jobs/{told.job_id}").status_code == 204
    assert told.courier.round() == 0


def test_the_secret_is_shown_nowhere(told: Told) -> None:
    """Neither by the job, nor by its spec, its events, its report, the plan, or a refusal of something else."""
    told.end()
    told.courier.round()
    client = told.gateway.client
    body = json.loads(small_spec().model_dump_json()) | {"webhook": HOOK}
    pages = [client.get(f"/v1/jobs/{told.job_id}{rest}") for rest in ("", "/spec", "/events", "/report")]
    pages.append(client.post("/v1/jobs?validate_only=true", content=json.dumps(body), headers=JSON))
    pages.append(client.post("/v1/jobs", content=json.dumps(body | {"name": ""}), headers=JSON))
    assert [page.status_code for page in pages] == [200] * 5 + [422]
    assert not [page for page in pages if SECRET in page.text]


@pytest.mark.parametrize(
    ("hook", "field_"),
    [
        ({"url": "ftp://hook.example/", "secret": SECRET}, "webhook.url"),
        ({"url": "hook.example", "secret": SECRET}, "webhook.url"),
        ({"url": "http://", "secret": SECRET}, "webhook.url"),
        ({"url": "http://user:pass@hook.example/", "secret": SECRET}, "webhook.url"),
        ({"url": "http://hook.example:99999/", "secret": SECRET}, "webhook.url"),
        ({"url": "http://hook.example/\r\nX: y", "secret": SECRET}, "webhook.url"),
        ({"url": "http://[::1", "secret": SECRET}, "webhook.url"),
        ({"url": HOOK["url"], "secret": "short"}, "webhook.secret"),
        ({"url": HOOK["url"]}, "webhook.secret"),
    ],
)
def test_a_webhook_that_can_not_be_is_refused(tmp_path: Path, hook: dict[str, str], field_: str) -> None:
    """When the job is posted, with the field."""
    body = json.dumps(json.loads(small_spec().model_dump_json()) | {"webhook": hook})
    response = sqlite_gateway(tmp_path).client.post("/v1/jobs", content=body, headers=JSON)
    assert (response.status_code, [error["field"] for error in response.json()["errors"]]) == (422, [field_])

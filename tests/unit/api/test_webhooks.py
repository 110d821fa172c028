"""Deliveries about jobs that have ended: signed, retried, visible in the job."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from edgepress_api.access.principal import Principal
from edgepress_api.access.sealing import SecretBox, WrongKeyError
from edgepress_api.database import Database, WebhookRow
from edgepress_api.datasets.fingerprint import Fingerprints
from edgepress_api.jobs.submission import Submission
from edgepress_api.steps.ledger import Ledger, Rules
from edgepress_api.webhooks.posting import NotTakenError
from edgepress_api.webhooks.secrets_at_rest import seal_stored_secrets
from edgepress_api.webhooks.sender import PAUSES, WebhookSender
from edgepress_api.webhooks.signature import signed_headers
from fakes.gateway_app import JSON, GatewayApp, sqlite_gateway
from fakes.jobs import Workforce, small_spec

SECRET = "a secret of sixteen"
HOOK = {"url": "https://hook.example/jobs", "secret": SECRET}


@dataclass
class Receiver:
    """A server that records deliveries, and accepts them by default."""

    refusals: int = 0
    heard: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, method: str = "POST") -> int:  # noqa: ARG002
        """See `Poster.post`."""
        self.heard.append((url, headers, body))
        if self.refusals:
            self.refusals -= 1
            raise NotTakenError("answered with 500; accepted: 200 to 299")
        return 202


@dataclass
class Told:
    """A gateway with a job that has a webhook, a webhook sender, and the receiver."""

    gateway: GatewayApp
    receiver: Receiver
    job_id: str

    @property
    def sender(self) -> WebhookSender:
        """A sender that has just been started: it keeps no state between rounds."""
        return WebhookSender(database=self.gateway.database, poster=self.receiver, clock=lambda: self.gateway.now)

    def webhook(self) -> dict[str, str | int | None]:
        """Return the webhook as the job shows it."""
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
    """A gateway with a running job."""
    gateway = sqlite_gateway(tmp_path)
    body = json.dumps(json.loads(small_spec().model_dump_json()) | {"webhook": HOOK})
    response = gateway.client.post("/v1/jobs", content=body, headers=JSON)
    assert response.status_code == 202
    return Told(gateway, Receiver(), response.json()["id"])


def test_a_job_that_ends_is_told_once(told: Told) -> None:
    """The delivery is sent after the end of the job, once, and contains its state."""
    assert told.sender.round() == 0
    assert (told.webhook()["state"], told.webhook()["url"]) == ("waiting", HOOK["url"])
    told.end()
    assert [told.sender.round(), told.sender.round()] == [1, 0]
    ((url, _, body),) = told.receiver.heard
    said = json.loads(body)
    assert (url, said["type"], said["job"], said["state"]) == (HOOK["url"], "job.ended", told.job_id, "succeeded")
    assert (told.webhook()["state"], told.webhook()["answer"]) == ("delivered", "answered with 202")


def test_a_delivery_is_signed_with_the_secret(told: Told) -> None:
    """A receiver verifies the signature over id, time and the exact bytes."""
    told.end()
    told.sender.round()
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
    """The id is the same until it is accepted; meanwhile the job shows the reason."""
    told.end()
    told.receiver.refusals = 2
    told.sender.round()
    assert (told.webhook()["state"], told.webhook()["attempts"]) == ("due", 1)
    assert "answered with 500" in str(told.webhook()["answer"])
    for pause in PAUSES[:2]:
        told.wait(pause - timedelta(seconds=1))
        assert told.sender.round() == 0
        told.wait(timedelta(seconds=1))
        assert told.sender.round() == 1
    assert (told.webhook()["state"], told.webhook()["attempts"]) == ("delivered", 3)
    assert len({headers["webhook-id"] for _, headers, _ in told.receiver.heard}) == 1


def test_what_is_never_taken_is_given_up_and_said_so(told: Told) -> None:
    """It is given up after the last pause; the job itself is not affected."""
    told.end()
    told.receiver.refusals = 100
    for pause in (timedelta(0), *PAUSES, timedelta(days=30)):
        told.wait(pause)
        told.sender.round()
    assert len(told.receiver.heard) == len(PAUSES) + 1
    assert (told.webhook()["state"], told.webhook()["due_at"]) == ("failed", None)
    assert told.gateway.client.get(f"/v1/jobs/{told.job_id}").json()["state"] == "succeeded"


def test_a_delivery_that_fails_unexpectedly_is_given_up(told: Told) -> None:
    """After as many attempts as one that is refused; the job says so."""

    class Broken:
        def post(self, url: str, headers: Mapping[str, str], body: bytes, *, method: str = "POST") -> int:  # noqa: ARG002
            raise KeyError("a bug")

    told.end()
    sender = WebhookSender(database=told.gateway.database, poster=Broken(), clock=lambda: told.gateway.now)
    for pause in (timedelta(0), *PAUSES, timedelta(days=30)):
        told.wait(pause)
        sender.round()
    assert (told.webhook()["state"], told.webhook()["attempts"]) == ("failed", len(PAUSES) + 1)
    assert "failed unexpectedly" in str(told.webhook()["answer"])


def test_a_delivery_of_a_killed_sender_is_sent_by_the_next(told: Told) -> None:
    """Claimed and not posted, it is due again a while later."""
    told.end()
    assert len(told.sender._claim()) == 1
    assert told.sender.round() == 0
    told.wait(timedelta(minutes=3))
    assert told.sender.round() == 1
    assert told.webhook()["state"] == "delivered"


def test_a_job_that_is_cancelled_retried_and_ends_is_told_twice(told: Told) -> None:
    """The two deliveries have different ids."""
    for action in ("cancel", "retry"):
        assert told.gateway.client.post(f"/v1/jobs/{told.job_id}/{action}").is_success
        told.sender.round()
    told.end()
    told.sender.round()
    assert [json.loads(body)["state"] for _, _, body in told.receiver.heard] == ["cancelled", "succeeded"]
    assert len({headers["webhook-id"] for _, headers, _ in told.receiver.heard}) == 2


def test_a_delivery_is_not_sent_after_a_retry(told: Told) -> None:
    """A delivery that was not claimed yet would no longer be correct."""
    told.receiver.refusals = 1
    told.gateway.client.post(f"/v1/jobs/{told.job_id}/cancel")
    told.sender.round()
    told.gateway.client.post(f"/v1/jobs/{told.job_id}/retry")
    told.wait(timedelta(days=1))
    assert told.sender.round() == 0
    assert told.webhook()["state"] == "waiting"


def test_a_job_that_is_deleted_takes_its_webhook_along(told: Told) -> None:
    """Nothing is posted about what is not there."""
    told.end()
    assert told.gateway.client.delete(f"/v1/jobs/{told.job_id}").status_code == 204
    assert told.sender.round() == 0


def test_the_secret_is_shown_nowhere(told: Told) -> None:
    """It is in neither the job, its spec, its events, its report, the plan, nor in errors about other fields."""
    told.end()
    told.sender.round()
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
    """It is refused when the job is posted, with the field."""
    body = json.dumps(json.loads(small_spec().model_dump_json()) | {"webhook": hook})
    response = sqlite_gateway(tmp_path).client.post("/v1/jobs", content=body, headers=JSON)
    assert (response.status_code, [error["field"] for error in response.json()["errors"]]) == (422, [field_])


def test_a_secret_is_encrypted_in_the_database(database: Database, now: datetime) -> None:
    """Secrets posted with a key and earlier ones without are decrypted by the right key, and by no other."""
    box, other = SecretBox(SecretStr("k" * 32)), SecretBox(SecretStr("o" * 32))
    ledger = Ledger(Rules(lease=timedelta(seconds=60), resend_pause=timedelta(seconds=30), max_attempts=3))
    Workforce(database, ledger, now).announce()
    for found in (SecretBox(None), box):
        Submission(database, Fingerprints(()), ledger, box=found).submit(small_spec(webhook=HOOK), now)
    assert [seal_stored_secrets(database, SecretBox(None)), seal_stored_secrets(database, box)] == [0, 1]
    assert seal_stored_secrets(database, box) == 0
    with database.read() as session:
        stored = [row.secret for row in session.scalars(select(WebhookRow))]
    assert not any(SECRET in each for each in stored)
    assert [box.open(each) for each in stored] == [SECRET] * 2
    for each in stored:
        with pytest.raises(WrongKeyError):
            other.open(each)
        with pytest.raises(WrongKeyError):
            SecretBox(None).open(each)


@pytest.mark.slow
def test_a_slow_receiver_holds_up_its_user_alone(told: Told) -> None:
    """However many words it lets wait: another user's goes at once, and what waits is carried when it is free."""
    held, free = threading.Event(), threading.Event()
    arrived: list[str] = []

    class Slow:
        def post(self, url: str, headers: Mapping[str, str], body: bytes, *, method: str = "POST") -> int:  # noqa: ARG002
            arrived.append(url)
            if "slow" in url:
                held.wait(30)
            else:
                free.set()
            return 200

    hooks = [("anna", f"https://slow.example/{number}") for number in range(20)] + [("ben", "https://quick.example/")]
    for user, url in hooks:
        spec = small_spec(webhook={"url": url, "secret": SECRET})
        by = Principal(user=user, scopes=frozenset({"submit"}))
        told.gateway.submission.submit(spec, told.gateway.now, by=by)
    told.end()
    stop = threading.Event()
    sender = WebhookSender(database=told.gateway.database, poster=Slow(), clock=lambda: told.gateway.now)
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    try:
        assert free.wait(20)
        assert sum("slow" in url for url in arrived) <= 2
    finally:
        held.set()
        stop.set()
        thread.join()

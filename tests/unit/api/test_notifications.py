"""Messages to people about jobs: a real mail server and a real web server receive them."""

import ipaddress
import json
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import select

from edgepress_api.access.sealing import SecretBox
from edgepress_api.database import NotificationRow, RecipientRow
from edgepress_api.notifications.mail import MailServer
from edgepress_api.notifications.rules import RecipientRules
from edgepress_api.notifications.sending import Notifier
from edgepress_api.notifications.trying import MOST_AN_HOUR
from edgepress_api.settings import ApiSettings
from edgepress_api.webhooks.egress_policy import Network
from edgepress_api.webhooks.posting import GuardedPoster, NotTakenError
from edgepress_api.webhooks.secrets_at_rest import seal_stored_secrets
from edgepress_api.webhooks.sender import PAUSES, WebhookSender
from edgepress_common.errors import InvalidInputError
from edgepress_common.messages import StepFailure
from fakes.gateway_app import JSON, YAML, GatewayApp, sqlite_gateway
from fakes.jobs import Workforce, small_spec
from fakes.listener import Listener, listening
from fakes.mail_server import PASSWORD, USER, MailHandler, mail_server
from fakes.tls_front import make_certificate

LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.1/32"),)
ANNA = {"kind": "email", "to": "anna@example.org"}
SECRET_PATH = "/services/T0/B0/a-secret-path"
SMTP = {"SMTP_HOST": "mail", "SMTP_FROM": "e@example.org"}
TOKEN = "a token of Matrix"
URL = "https://edgepress.example"


@dataclass
class Post:
    """A gateway whose messages go to servers of the test."""

    gateway: GatewayApp
    mail: MailHandler
    chat: Listener
    box: SecretBox = field(default_factory=lambda: SecretBox(SecretStr("k" * 32)))

    def __post_init__(self) -> None:
        self.rules = RecipientRules(has_mail=True, networks=LOOPBACK)
        submission = replace(self.gateway.submission, check_recipients=self.rules.check, box=self.box)
        settings = ApiSettings(
            require_tokens=False, smtp_host="mail", smtp_from="edgepress@example.org", webhook_networks=LOOPBACK
        )
        self.client: TestClient = self.gateway.with_adapters(submission=submission, settings=settings)

    @property
    def to_chat(self) -> dict[str, object]:
        """The chat of the test."""
        return {"kind": "chat", "url": f"http://127.0.0.1:{self.chat.port}{SECRET_PATH}"}

    @property
    def to_matrix(self) -> dict[str, object]:
        """A room at the server of the test."""
        return {
            "kind": "matrix", "server": f"http://127.0.0.1:{self.chat.port}", "room": "!r:example.org", "token": TOKEN
        }  # fmt: skip

    @property
    def sender(self) -> WebhookSender:
        """A sender that has just been started."""
        server = MailServer("127.0.0.1", "edgepress@example.org", "none", self.mail.port)
        poster = GuardedPoster(LOOPBACK)
        notifier = Notifier(self.gateway.database, poster, server, URL, self.box)
        return WebhookSender(
            self.gateway.database, poster, clock=lambda: self.gateway.now, box=self.box, notify=notifier.deliver
        )

    def submit(self, *recipients: object, **changes: object) -> str:
        """Post a job."""
        body = json.loads(small_spec(**changes).model_dump_json()) | {"notify": [*recipients]}
        response = self.client.post("/v1/jobs", content=json.dumps(body), headers=JSON)
        assert response.status_code == 202, response.text
        job_id: str = response.json()["id"]
        return job_id

    def end(self) -> None:
        """The steps of all jobs are done."""
        self.gateway.workforce.work_until_nothing_is_left()
        self.gateway.now = self.gateway.workforce.now

    def messages(self, job_id: str) -> list[dict[str, Any]]:
        """The messages of a job, as the API shows them."""
        found: list[dict[str, Any]] = self.client.get(f"/v1/jobs/{job_id}/notifications").json()["messages"]
        return found


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    """A gateway, a mail server and a web server."""
    with mail_server() as mail, listening(Listener(status=200)) as chat:
        yield Post(sqlite_gateway(tmp_path), mail, chat)


def test_a_job_that_ends_is_told_by_mail(post: Post) -> None:
    """State, the first sentence of the recommendation, and a link; once."""
    job_id = post.submit(ANNA, name="night run")
    assert post.sender.round() == 0
    post.end()
    assert [post.sender.round(), post.sender.round()] == [1, 0]
    ((to, message),) = post.mail.heard
    assert (to, message["Subject"]) == (["anna@example.org"], "Edgepress: Job 'night run' has succeeded")
    first, recommendation, link = message.get_content().strip().splitlines()
    assert first == "Job 'night run' has succeeded."
    assert recommendation.startswith("Ship ")
    assert recommendation.count(". ") == 0
    assert link == f"{URL}/jobs/{job_id}"
    assert message["Auto-Submitted"] == "auto-generated"
    (shown,) = post.messages(job_id)
    assert (shown["kind"], shown["to"], shown["state"], shown["attempts"]) == (
        "job_ended", "anna@example.org", "delivered", 1
    )  # fmt: skip


def test_a_chat_gets_text_in_which_names_mention_nothing(post: Post) -> None:
    """`<!channel>` in a name would call everyone in Slack."""
    post.submit(post.to_chat, name="<!channel> & run")
    post.end()
    post.sender.round()
    ((headers, body),) = post.chat.heard
    assert post.chat.asked == [("POST", SECRET_PATH)]
    assert headers["content-type"] == "application/json"
    assert json.loads(body)["text"].startswith("Job '&lt;!channel&gt; &amp; run' has succeeded.\nShip ")


def test_a_room_gets_one_transaction(post: Post) -> None:
    """The id of the message is its transaction, so that the room's server drops a second attempt."""
    job_id = post.submit(post.to_matrix)
    post.end()
    post.chat.status = 502
    post.sender.round()
    post.chat.status = 200
    post.gateway.now += PAUSES[0]
    post.sender.round()
    (shown,) = post.messages(job_id)
    path = f"/_matrix/client/v3/rooms/%21r%3Aexample.org/send/m.room.message/{shown['id']}"
    assert post.chat.asked == [("PUT", path)] * 2
    (headers, body) = post.chat.heard[1]
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(body)["msgtype"] == "m.text"
    assert json.loads(body)["body"].startswith("Job 'digits' has succeeded.")
    assert (shown["state"], shown["attempts"]) == ("delivered", 2)


def test_a_message_of_a_killed_sender_is_sent_by_the_next(post: Post) -> None:
    """Claimed and not sent, it is due again a while later, with the same Message-ID."""
    job_id = post.submit(ANNA)
    post.end()
    assert len(post.sender._claim()) == 1
    assert post.sender.round() == 0
    post.gateway.now += timedelta(minutes=3)
    assert post.sender.round() == 1
    ((_, message),) = post.mail.heard
    assert message["Message-ID"] == f"<{post.messages(job_id)[0]['id']}@example.org>"


def test_a_server_that_refuses_is_tried_again_and_given_up(post: Post) -> None:
    """The answer is shown; the job is not affected."""
    job_id = post.submit(ANNA)
    post.end()
    post.mail.answer = "451 greylisted, try again"
    for pause in (timedelta(0), *PAUSES):
        post.gateway.now += pause
        assert post.sender.round() == 1
    (shown,) = post.messages(job_id)
    assert (shown["state"], shown["due_at"]) == ("failed", None)
    assert shown["answer"] == "127.0.0.1 answered 451 greylisted, try again"


def failed(post: Post, *recipients: object) -> str:
    """Return a job that has failed."""
    job_id = post.submit(*recipients)
    workforce = Workforce(post.gateway.database, post.gateway.ledger, post.gateway.now)
    failure = StepFailure.of("invalid_input", "the disk is full")
    (step,) = workforce.take()
    with post.gateway.database.write() as session:
        post.gateway.ledger.fail(session, step.step_key, step.attempt, failure=failure, now=post.gateway.now)
    return job_id


@pytest.mark.parametrize(
    ("when", "sent"),
    [(["job_ended"], 1), (["job_failed"], 1), (["job_ended", "job_failed"], 1), (["device_offline"], 0)],
)
def test_a_failed_job_is_told_once(post: Post, when: Sequence[str], sent: int) -> None:
    """Recipients of ended jobs get a message as well as those of failures, with the reason."""
    failed(post, ANNA | {"when": when})
    assert post.sender.round() == sent
    for _, message in post.mail.heard:
        first, reason, _ = message.get_content().splitlines()
        assert first == "Job 'digits' has failed."
        assert "the disk is full" in reason


def test_success_is_not_told_to_a_recipient_of_failures(post: Post) -> None:
    """Only the other recipient is."""
    post.submit(ANNA | {"when": ["job_failed"]}, post.to_chat)
    post.end()
    assert post.sender.round() == 1
    assert (len(post.mail.heard), len(post.chat.heard)) == (0, 1)


def test_a_message_about_a_job_that_is_retried_is_not_sent(post: Post) -> None:
    """The message that was not sent yet would no longer be correct; the next end has a message of its own."""
    job_id = post.submit(ANNA)
    post.client.post(f"/v1/jobs/{job_id}/cancel")
    post.client.post(f"/v1/jobs/{job_id}/retry")
    assert post.sender.round() == 0
    post.end()
    assert post.sender.round() == 1
    assert "has succeeded" in post.mail.heard[0][1]["Subject"]


def test_secrets_are_encrypted_and_never_shown(post: Post) -> None:
    """Neither the database nor any answer has them; the spec of the job does not name recipients."""
    job_id = post.submit(post.to_chat, post.to_matrix)
    post.end()
    post.sender.round()
    pages = [
        post.client.get(f"/v1/jobs/{job_id}{rest}") for rest in ("", "/spec", "/events", "/report", "/notifications")
    ]
    assert [page.status_code for page in pages] == [200] * 5
    assert not [page.url for page in pages if SECRET_PATH in page.text or TOKEN in page.text]
    shown = pages[-1].json()["recipients"]
    assert [each["to"] for each in shown] == [
        f"127.0.0.1:{post.chat.port}", f"!r:example.org at 127.0.0.1:{post.chat.port}"
    ]  # fmt: skip
    with post.gateway.database.read() as session:
        stored = [*session.scalars(select(RecipientRow.secret)), *session.scalars(select(NotificationRow.secret))]
    assert len(stored) == 4
    assert not [each for each in stored if SECRET_PATH in each or TOKEN in each]


def test_recipients_without_a_key_are_encrypted_when_there_is_one(post: Post) -> None:
    """It happens at the start of the gateway, with the secrets of webhooks."""
    box, post.box = post.box, SecretBox(None)
    post.__post_init__()
    post.submit(post.to_chat)
    assert seal_stored_secrets(post.gateway.database, box) == 1
    post.box = box
    post.end()
    assert post.sender.round() == 1
    assert len(post.chat.heard) == 1


@pytest.mark.parametrize(
    ("recipient", "field_", "words"),
    [
        ({"kind": "email", "to": "anna"}, "notify[0].to", "anna@example.org"),
        ({"kind": "email", "to": "anna@example.org\nBcc: ben@example.org"}, "notify[0].to", "printable text"),
        ({"kind": "email"}, "notify[0].to", "E-mail address"),
        ({"kind": "fax", "to": "1"}, "notify[0].kind", "chat"),
        ({"kind": "chat", "url": "hooks.example"}, "notify[0].url", "http:// or https://"),
        ({"kind": "chat", "url": "http://10.0.0.7/x"}, "notify[0].url", "EDGEPRESS_WEBHOOK_NETWORKS"),
        ({"kind": "chat", "url": "http://[::1]/x"}, "notify[0].url", "EDGEPRESS_WEBHOOK_NETWORKS"),
        ({"kind": "matrix", "server": "http://192.168.1.1", "room": "!r:x", "token": TOKEN}, "notify[0].server",
         "EDGEPRESS_WEBHOOK_NETWORKS"),
        ({"kind": "matrix", "server": "https://m.example", "room": "#r:x", "token": TOKEN}, "notify[0].room", "Id of"),
        (ANNA | {"when": []}, "notify[0].when", "list"),
        (ANNA | {"when": ["job_begins"]}, "notify[0].when[0]", "job_ended"),
    ],
)  # fmt: skip
def test_a_recipient_that_can_not_be_is_refused(
    post: Post, recipient: dict[str, object], field_: str, words: str
) -> None:
    """When the job is posted, and when it is tried: with the field, and what is accepted."""
    body = json.dumps(json.loads(small_spec().model_dump_json()) | {"notify": [recipient]})
    for path in ("/v1/jobs", "/v1/notifications/test"):
        response = post.client.post(path, content=body, headers=JSON)
        assert response.status_code == 422
        (problem,) = response.json()["errors"]
        assert problem["field"] == field_
        assert words in str(problem["accepted"])


def test_a_wrong_secret_is_not_repeated(post: Post) -> None:
    """Clients log answers."""
    recipient = {"kind": "chat", "url": f"ftp://hooks.example{SECRET_PATH}"}
    body = json.dumps({"notify": [recipient]})
    response = post.client.post("/v1/notifications/test", content=body, headers=JSON)
    assert (response.status_code, SECRET_PATH in response.text) == (422, False)


def test_mail_needs_a_mail_server_and_an_accepted_domain(tmp_path: Path) -> None:
    """The answer says which setting its operator has to set, or which addresses are accepted."""
    gateway = sqlite_gateway(tmp_path)
    body = json.dumps({"notify": [ANNA]})
    (problem,) = gateway.client.post("/v1/notifications/test", content=body, headers=JSON).json()["errors"]
    assert (problem["field"], problem["message"]) == ("notify[0].kind", "this server has no mail server")
    assert "EDGEPRESS_SMTP_HOST" in problem["accepted"]
    settings = ApiSettings(
        require_tokens=False, smtp_host="x", smtp_from="e@example.com", smtp_domains=("example.com",)
    )
    client = gateway.with_adapters(settings=settings)
    (problem,) = client.post("/v1/notifications/test", content=body, headers=JSON).json()["errors"]
    assert (problem["field"], "example.com" in problem["accepted"]) == ("notify[0].to", True)


def test_a_name_of_the_network_is_refused_when_it_is_sent(post: Post) -> None:
    """A name is looked up when the message is sent; the job shows why nothing arrived."""
    job_id = post.submit({"kind": "chat", "url": "http://localhost.localdomain:9/x"})
    post.end()
    notifier = Notifier(
        post.gateway.database, GuardedPoster((), look_up=lambda *_: ["127.0.0.1"]), None, None, post.box
    )  # fmt: skip
    with pytest.raises(NotTakenError, match=r"leads to 127\.0\.0\.1"):
        notifier.deliver(post.messages(job_id)[0]["id"])


def test_a_test_message_is_sent_once(post: Post) -> None:
    """Each recipient of a spec in YAML gets one, and other fields are ignored. It is not tried again."""
    anna = "{kind: email, to: anna@example.org, when: [job_failed]}"
    body = f"name: x\nnotify:\n  - {anna}\n  - {json.dumps(post.to_chat)}\n"
    response = post.client.post("/v1/notifications/test", content=body, headers=YAML)
    assert response.status_code == 202
    post.chat.status = 404
    assert post.sender.round() == 2
    shown = [post.client.get(f"/v1/notifications/{each['id']}").json() for each in response.json()["messages"]]
    assert [each["state"] for each in shown] == ["delivered", "failed"]
    assert "404" in shown[1]["answer"]
    assert "This is a test message" in post.mail.heard[0][1].get_content()


def test_test_messages_are_limited(post: Post) -> None:
    """A user cannot flood an address that is not theirs."""
    body = json.dumps({"notify": [ANNA] * 10})
    codes = [
        post.client.post("/v1/notifications/test", content=body, headers=JSON).status_code
        for _ in range(MOST_AN_HOUR // 10 + 1)
    ]
    assert codes == [202, 202, 429]
    post.gateway.now += timedelta(hours=1)
    assert post.client.post("/v1/notifications/test", content=body, headers=JSON).status_code == 202


def test_a_message_of_another_user_is_not_found(post: Post) -> None:
    """The answer is that of a message that does not exist."""
    anna, ben = post.gateway.client_as("anna", "submit", "read"), post.gateway.client_as("ben", "read")
    body = json.dumps({"notify": [{"kind": "chat", "url": "https://hooks.example/x"}]})
    (message,) = anna.post("/v1/notifications/test", content=body, headers=JSON).json()["messages"]
    path = f"/v1/notifications/{message['id']}"
    assert [client.get(path).status_code for client in (anna, ben)] == [200, 404]


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_mail_is_encrypted_and_signed_in(tmp_path: Path, encryption: Any, post: Post) -> None:
    """With the password of the settings, and only to a server whose certificate is trusted."""
    certificate = make_certificate(tmp_path)
    trust = ssl.create_default_context(cafile=certificate[0])
    post.submit(ANNA)
    post.end()
    with post.gateway.database.read() as session:
        message_id = session.scalars(select(NotificationRow.id)).one()
    with mail_server(certificate, encryption) as mail:
        server = MailServer(
            "127.0.0.1", "e@example.org", encryption, mail.port, USER, SecretStr(PASSWORD), trust
        )  # fmt: skip
        notifier = Notifier(post.gateway.database, GuardedPoster(()), server, None, post.box)
        assert notifier.deliver(message_id) == "accepted by 127.0.0.1"
        assert len(mail.heard) == 1
        for wrong, words in (
            (replace(server, password=SecretStr("wrong")), "535"),
            (replace(server, trust=ssl.create_default_context()), "certificate verify failed"),
        ):
            with pytest.raises(NotTakenError, match=words) as failure:
                replace(notifier, mail=wrong).deliver(message_id)
            assert "wrong" not in str(failure.value)
    assert len(mail.heard) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SMTP_HOST": "mail"}, "SMTP_FROM"),
        ({"SMTP_HOST": "mail", "SMTP_FROM": "edgepress"}, "SMTP_FROM"),
        ({**SMTP, "SMTP_USER": "e"}, "SMTP_PASSWORD"),
        (
            {
                "SMTP_HOST": "m",
                "SMTP_FROM": "e@x.org",
                "SMTP_USER": "e",
                "SMTP_PASSWORD": "p",
                "SMTP_ENCRYPTION": "none",
            },
            "without encryption",
        ),
        ({"PUBLIC_URL": "edgepress.example"}, "PUBLIC_URL"),
    ],
)
def test_settings_that_can_not_be_are_refused(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    """At the start of the server, in one sentence."""
    for name, value in settings.items():
        monkeypatch.setenv(f"EDGEPRESS_{name}", value)
    with pytest.raises(InvalidInputError, match=words):
        ApiSettings.read()

"""`edgepress notify` and `client.notifications`, with a real gateway and a web server that receives the messages."""

import io
import ipaddress
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgepress_api.notifications.sending import Notifier
from edgepress_api.settings import ApiSettings
from edgepress_api.webhooks.posting import GuardedPoster
from edgepress_api.webhooks.sender import WebhookSender
from edgepress_client import Client
from edgepress_client.cli import app as command_line
from edgepress_client.cli.invocation import Invocation
from edgepress_client.cli.terminal import SafeConsole
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.listener import Listener, listening

LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway that may post to this machine."""
    gateway = sqlite_gateway(tmp_path)
    settings = ApiSettings(require_tokens=False, webhook_networks=LOOPBACK)
    gateway.adapters = replace(gateway.adapters, settings=settings)
    gateway.client = gateway.client_of(gateway.adapters)
    return gateway


@contextmanager
def sending(gateway: GatewayApp) -> Iterator[None]:
    """Send what is due, as the scheduler does, for as long as the block lasts."""
    poster, stop = GuardedPoster(LOOPBACK), threading.Event()
    notifier = Notifier(gateway.database, poster)
    sender = WebhookSender(gateway.database, poster, clock=lambda: gateway.now, notify=notifier.deliver)
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def notify(gateway: GatewayApp, *arguments: str) -> tuple[int, str, str]:
    """Run the command; return exit code, output and errors."""
    out, err = io.StringIO(), io.StringIO()
    here = Invocation(SafeConsole(file=out, width=200), SafeConsole(file=err, width=200), gateway.client._transport)
    ran = CliRunner().invoke(command_line, ["notify", *arguments], obj=here)
    return ran.exit_code, out.getvalue(), err.getvalue()


def test_recipients_of_a_spec_are_tried(gateway: GatewayApp, tmp_path: Path) -> None:
    """The command waits for the answers, and fails if a message was not accepted."""
    spec = tmp_path / "job.yaml"
    with listening(Listener(status=200)) as chat, sending(gateway):
        spec.write_text(f"name: x\nnotify: [{{kind: chat, url: 'http://127.0.0.1:{chat.port}/secret'}}]\n")
        code, out, _ = notify(gateway, str(spec))
        assert (code, out.splitlines()[1].split()[1:]) == (0, ["delivered", "answered", "with", "200"])
        chat.status = 404
        code, out, _ = notify(gateway, str(spec))
        assert (code, out.splitlines()[1].split()[1]) == (3, "failed")
        assert len(chat.heard) == 2


def test_a_message_that_is_not_sent_in_time_is_said(gateway: GatewayApp, tmp_path: Path) -> None:
    """A scheduler that does not run sends nothing."""
    spec = tmp_path / "job.json"
    spec.write_text('{"notify": [{"kind": "chat", "url": "http://127.0.0.1:9/secret"}]}')
    code, out, _ = notify(gateway, str(spec), "--seconds", "0")
    assert (code, "not sent yet" in out) == (3, True)


def test_a_spec_without_recipients_is_refused(gateway: GatewayApp, tmp_path: Path) -> None:
    """The error names the field."""
    spec = tmp_path / "job.yaml"
    spec.write_text("name: x\n")
    code, _, err = notify(gateway, str(spec))
    assert (code, "notify" in err) == (5, True)


def test_the_client_shows_the_notifications_of_a_job(gateway: GatewayApp) -> None:
    """Recipients without their secrets, and the messages."""
    with Client("http://127.0.0.1", transport=gateway.client._transport) as client:
        spec = {
            "name": "x",
            "dataset": {"kind": "builtin", "image_size": 32},
            "model": {"architecture": "resnet18"},
            "notify": [{"kind": "chat", "url": "http://127.0.0.1:9/secret"}],
        }
        job = client.jobs.submit(spec)
        job.cancel()
        found = job.notifications()
        assert [(each.to, each.when) for each in found.recipients] == [("127.0.0.1:9", ("job_ended", "device_offline"))]
        assert [each.kind for each in found.messages] == ["job_ended"]

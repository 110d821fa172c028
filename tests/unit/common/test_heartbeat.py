"""Heartbeat files, and the health check of the images that reads them."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from edgepress_common.heartbeat import Heartbeat

SCRIPT = Path(__file__).parents[3] / "common" / "healthcheck.sh"


class Container:
    """A container with a heartbeat file, and a folder in place of /tmp."""

    def __init__(self, folder: Path) -> None:
        self.heartbeat = folder / "heartbeat"
        self.checked = folder / "checked"
        self.script = folder / "check-health"
        self.script.write_text(SCRIPT.read_text().replace("/tmp/checked", str(self.checked)).replace("8000", PORT))

    def is_healthy(self, *arguments: str) -> bool:
        """Run the check."""
        environment = {"EDGEPRESS_HEARTBEAT_FILE": str(self.heartbeat), "PATH": os.environ["PATH"]}
        return subprocess.run(["sh", self.script, *arguments], env=environment, check=False).returncode == 0


PORT = "8765"  # replaced by that of a test's server


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


def test_a_recent_heartbeat_is_healthy(container: Container) -> None:
    """An old one is not, nor is a missing one, nor a check with a wrong argument."""
    assert not container.is_healthy("0", "heartbeat", "30")
    Heartbeat(container.heartbeat).beat()
    assert container.is_healthy("0", "heartbeat", "30")
    os.utime(container.heartbeat, (time.time() - 90,) * 2)
    assert not container.is_healthy("0", "heartbeat", "30")
    assert container.is_healthy("0", "heartbeat", "120")
    assert not container.is_healthy("0", "soon")


def test_after_the_first_success_a_check_pauses(container: Container) -> None:
    """Until then it does not, so that services which wait for it start soon; nor after a failure."""
    never = ("infinity", "heartbeat", "30")
    assert not container.is_healthy(*never)
    Heartbeat(container.heartbeat).beat()
    assert container.is_healthy(*never)
    environment = {"EDGEPRESS_HEARTBEAT_FILE": str(container.heartbeat), "PATH": os.environ["PATH"]}
    with subprocess.Popen(["sh", container.script, *never], env=environment, start_new_session=True) as paused:
        with pytest.raises(subprocess.TimeoutExpired):
            paused.wait(1)
        os.killpg(paused.pid, 9)
    container.heartbeat.unlink()
    assert not container.is_healthy("0", "heartbeat", "30")
    assert not container.checked.exists()


class _Gateway(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = self.path == "/health/ready" and self.headers["Authorization"] == "Bearer right"
        self.send_response(200 if ready else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def gateway() -> Iterator[str]:
    """A gateway that is ready for one token; its port."""
    with HTTPServer(("127.0.0.1", 0), _Gateway) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield str(server.server_port)
        server.shutdown()


def test_a_gateway_is_healthy_when_it_answers_a_valid_token(tmp_path: Path, gateway: str) -> None:
    """It is asked with the token of a file; without an answer, or with another status, it is not healthy."""
    container, token = Container(tmp_path), tmp_path / "token"
    token.write_text("right")
    assert not container.is_healthy("0", "ready", str(token))
    container.script.write_text(container.script.read_text().replace(PORT, gateway))
    assert container.is_healthy("0", "ready", str(token))
    token.write_text("wrong")
    assert not container.is_healthy("0", "ready", str(token))

"""The gateway as a process: it says where it listens, serves, and stops when told to."""

import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from edgepress_common.artifacts import FolderStore
from edgepress_common.devices import Announcement
from fakes.gateway_app import JSON, spec_json
from fakes.gateway_process import running_gateway
from fakes.tls_front import make_certificate

pytestmark = pytest.mark.slow

PATIENCE = 60.0  # seconds; httpx waits 5, and the first request to a gateway on a busy machine takes longer

ANNOUNCEMENT = Announcement(machine="aarch64", cores=4, memory_bytes=2**30, runtime="LiteRT 2").model_dump_json()


def wait_for_work(url: str) -> int:
    """Return the status that an idle device gets."""
    path = f"{url}/v1/devices/pi5/lease?wait_seconds=60"
    return httpx.post(path, content=ANNOUNCEMENT, headers=JSON, timeout=90).status_code


def wait_until(is_true: Callable[[], bool]) -> None:
    """For at most half a minute."""
    deadline = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_gateway_serves_and_stops_at_once_though_clients_wait(tmp_path: Path) -> None:
    """An open stream of events and a waiting device are let go; the process ends well."""
    with running_gateway(tmp_path) as (process, url), httpx.Client(base_url=url, timeout=30) as client:
        client.post("/v1/devices/pi4/lease", content=ANNOUNCEMENT, headers=JSON)
        job_id = client.post("/v1/jobs", content=spec_json(), headers=JSON).json()["id"]
        answers: list[int] = []
        waiting = threading.Thread(target=lambda: answers.append(wait_for_work(url)))
        waiting.start()
        while "pi5" not in client.get("/v1/devices").text:
            time.sleep(0.05)
        with client.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
            lines = stream.iter_lines()
            assert any("queued" in line for line in lines)
            process.send_signal(signal.SIGTERM)
            assert list(lines)[-1] == ""  # the stream ends between two events
        assert process.wait(timeout=15) == 0
        waiting.join(timeout=15)
        assert answers == [204]


def test_tls_is_one_setting(tmp_path: Path) -> None:
    """The file has certificate and key; clients that trust it are served, the command line included, only by TLS."""
    certificate, key = make_certificate(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    with running_gateway(tmp_path, EDGEPRESS_TLS_CERTIFICATE=str(both)) as (_, url):
        assert url.startswith("https://")
        trusting = ssl.create_default_context(cafile=certificate)
        assert httpx.get(f"{url}/health/live", verify=trusting, timeout=PATIENCE).json() == {"status": "ok"}
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{url}/health/live", timeout=PATIENCE)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{url}/health/live".replace("https", "http"), timeout=PATIENCE)
        command = [str(Path(sys.executable).with_name("edgepress")), "jobs"]
        environment = os.environ | {"EDGEPRESS_GATEWAY": url, "SSL_CERT_FILE": str(certificate)}
        assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0


def test_links_lead_through_the_proxy_that_was_named(tmp_path: Path) -> None:
    """The prefix is what the proxy takes away."""
    with running_gateway(tmp_path, EDGEPRESS_ROOT_PATH="/edgepress") as (_, url):
        assert httpx.get(f"{url}/health/live", timeout=PATIENCE).json() == {"status": "ok"}
        assert httpx.get(f"{url}/openapi.json", timeout=PATIENCE).json()["servers"] == [{"url": "/edgepress"}]
        assert "/edgepress/openapi.json" in httpx.get(url, timeout=PATIENCE).text


def test_a_disk_that_is_nearly_full_takes_no_new_job(tmp_path: Path) -> None:
    """The reserve is a setting; a real disk has less than all of this."""
    with running_gateway(tmp_path, EDGEPRESS_RESERVE_BYTES=str(1 << 60)) as (_, url):
        httpx.post(f"{url}/v1/devices/pi4/lease", content=ANNOUNCEMENT, headers=JSON, timeout=PATIENCE)
        refused = httpx.post(f"{url}/v1/jobs", content=spec_json(), headers=JSON, timeout=PATIENCE)
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")


def test_the_gateway_deletes_unreferenced_artifacts(tmp_path: Path) -> None:
    """Garbage collection runs in the gateway while it serves."""
    store = FolderStore(tmp_path / "artifacts")
    with running_gateway(tmp_path, EDGEPRESS_GARBAGE_COLLECTION_SECONDS="0.1"):
        wait_until(lambda: store.owner() is not None)  # what was there before could be another gateway's
    path = store.local_path(store.put_bytes(b"unreferenced").sha256)
    os.utime(path, (0, 0))
    with running_gateway(tmp_path, EDGEPRESS_GARBAGE_COLLECTION_SECONDS="0.1"):
        wait_until(lambda: not path.exists())


def test_a_gateway_that_others_can_reach_requires_a_token(tmp_path: Path) -> None:
    """Local clients need one too, as the gateway can't distinguish them. The liveness probe needs none."""
    with running_gateway(tmp_path, EDGEPRESS_HOST="0.0.0.0") as (_, address):
        url = address.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{url}/health/live", timeout=PATIENCE).status_code == 200
        assert [
            httpx.get(f"{url}{path}", timeout=PATIENCE).status_code for path in ("/health/ready", "/v1/jobs", "/docs")
        ] == [401] * 3
        environment = {**os.environ, "EDGEPRESS_DATABASE_URL": f"sqlite:///{tmp_path}/edgepress.db"}
        command = [str(Path(sys.executable).with_name("edgepress")), "tokens", "create", "--user", "anna"]
        made = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        client = [*command[:1], "jobs", "--gateway", url]
        refused = subprocess.run(client, env=environment, capture_output=True, text=True, check=False)
        assert (refused.returncode, "Unauthorized" in refused.stderr) == (7, True)
        environment["EDGEPRESS_TOKEN"] = made.stdout.strip()
        assert subprocess.run(client, env=environment, check=False, capture_output=True).returncode == 0

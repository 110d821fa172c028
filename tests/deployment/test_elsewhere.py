"""A composition whose artifacts are in S3, and whose only worker is on another host: by Redis over TLS.

``make test-deployment``; three minutes, and the time to build.
"""

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest

from deployment.composition import ROOT, VERSION, Composition, Json, Timeline
from edgepress_api.one_machine.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

TINY: Json = {
    "name": "elsewhere",
    "dataset": {"kind": "builtin", "name": "digits", "image_size": 32},
    "model": {"architecture": "mobilenet_v2", "width": 0.35},
    "training": {"epochs": 1, "batch_size": 32},
    "pipelines": [{"name": "base", "exports": ["int8"]}],
    "evaluation": {"devices": ["host"], "runs": 20, "warmup_runs": 2},
}
KEY = "[default]\naws_access_key_id = test\naws_secret_access_key = test\n"


@dataclass(frozen=True)
class Fleet(Composition):
    """A composition with S3, whose Redis workers on other hosts reach.

    Attributes:
        host: Address of this host that containers of other compositions reach.
        redis_port: Published port of Redis.
        s3_port: Published port of the S3 server.
        credentials: File of the key for S3.
    """

    host: str = ""
    redis_port: int = 0
    s3_port: int = 0
    credentials: Path = Path()

    @property
    def environment(self) -> dict[str, str]:
        """See `Composition`."""
        files = ["docker-compose.yml", "docker-compose.workers.yml", "tests/deployment/s3.compose.yml"]
        return super().environment | {
            "COMPOSE_FILE": ":".join(str(ROOT / file) for file in files),
            "EDGEPRESS_ARTIFACTS": "s3://bucket/artifacts?endpoint=http://s3:5000&region=eu-central-1",
            "EDGEPRESS_AWS_CREDENTIALS": str(self.credentials),
            "EDGEPRESS_REDIS_PUBLIC_ADDRESS": f"{self.host}:{self.redis_port}",
            "EDGEPRESS_REDIS_PORT": str(self.redis_port),
            "EDGEPRESS_TEST_S3_PORT": str(self.s3_port),
        }


@pytest.fixture(scope="module")
def fleet(engine: None, timeline: Timeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The composition, without a worker of its own."""
    credentials = tmp_path_factory.mktemp("aws") / "credentials"
    credentials.write_text(KEY)
    credentials.parent.chmod(0o755)
    bridge = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}"]
    subnet = subprocess.run(bridge, check=True, capture_output=True, text=True).stdout.strip()
    host = str(ip_network(subnet)[1])  # this host's own address in the network
    fleet = Fleet(
        f"edgepress-fleet-{free_port()}", free_port(), timeline,
        host=host, redis_port=free_port(), s3_port=free_port(), credentials=credentials,
    )  # fmt: skip
    try:
        timeline.note("docker compose -f docker-compose.yml -f docker-compose.workers.yml, with S3: up --build --wait")
        fleet.compose("up", "--build", "--wait", "--scale", "worker=0")
        timeline.note("up, and all of it healthy")
        yield fleet
    finally:
        fleet.take_down()


@pytest.fixture(scope="module")
def worker(fleet: Fleet, timeline: Timeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Elsewhere"]:
    """deploy/worker.compose.yml, with the folder that the server's command gives."""
    folder = tmp_path_factory.mktemp("elsewhere")
    command = ["docker", "compose", "run", "--rm", "--no-deps", "-T", "secrets"]
    command += ["tar", "-C", "/run/secrets", "-cf", "-", "worker-elsewhere"]
    packed = subprocess.run(command, env=fleet.environment, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    folder.chmod(0o755)
    elsewhere = Elsewhere(fleet, folder / "worker-elsewhere")
    try:
        elsewhere.compose("up", "--detach", "--wait")
        timeline.note("a worker elsewhere is up: Redis by TLS, artifacts in S3")
        yield elsewhere
    finally:
        elsewhere.compose("down", "--volumes")


class Elsewhere:
    """Commands of the other host's owner."""

    def __init__(self, fleet: Fleet, secrets: Path) -> None:
        self.secrets = secrets
        self._environment = fleet.environment | {
            "COMPOSE_PROJECT_NAME": f"{fleet.project}-elsewhere",
            "COMPOSE_FILE": str(ROOT / "deploy" / "worker.compose.yml"),
            "EDGEPRESS_VERSION": VERSION,
            "EDGEPRESS_ARTIFACTS": f"s3://bucket/artifacts?endpoint=http://{fleet.host}:{fleet.s3_port}&region=eu-central-1",
            "EDGEPRESS_WORKER_SECRETS": str(secrets),
        }

    def compose(self, *arguments: str) -> str:
        """`docker compose ...` on the other host."""
        ran = subprocess.run(
            ["docker", "compose", *arguments], env=self._environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, f"{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}"
        return ran.stdout


def test_a_worker_elsewhere_does_the_whole_work(fleet: Fleet, worker: Elsewhere, timeline: Timeline) -> None:
    """It packs, trains and exports; the composition's evaluator measures what it put into the bucket."""
    operator = fleet.client(fleet.token())
    job_id = operator.post(TINY)
    operator.wait_for_the_end(job_id)
    (row,) = operator.get(f"/v1/jobs/{job_id}/report")["rows"]
    timeline.note(f"its job succeeded: accuracy {row['accuracy']:.4f} of {row['images']} images")
    assert row["images"] == 359
    assert fleet.compose("ps", "--quiet", "worker").split() == []
    assert operator.http.get(f"/v1/artifacts/{row['model_sha256']}").status_code == 200
    folder = fleet.execute("api", "sh", "-c", "ls /var/lib/edgepress/artifacts | wc -l").strip()
    assert folder == "0"  # all artifacts are in the bucket


def test_redis_is_published_by_tls_alone(fleet: Fleet, worker: Elsewhere) -> None:
    """With a certificate that is verified; a client without the password, or without TLS, gets nothing."""
    (container,) = fleet.containers("redis").values()
    published = {inner for inner, bound in container["NetworkSettings"]["Ports"].items() if bound}
    assert published == {"6380/tcp"}
    assert container["HostConfig"]["ReadonlyRootfs"]
    certificate = worker.secrets / "redis.pem"
    script = f"""
import socket, ssl
def ask(context, name):
    with socket.create_connection(({fleet.host!r}, {fleet.redis_port}), 5) as raw:
        with context.wrap_socket(raw, server_hostname=name) as connection:
            connection.sendall(b"LLEN train\\r\\n")
            return connection.recv(100)
trusting = ssl.create_default_context(cafile={str(certificate)!r})
print(ask(trusting, {fleet.host!r}))
for context, name in ((ssl.create_default_context(), {fleet.host!r}), (trusting, "another.example")):
    try:
        ask(context, name)
    except ssl.SSLCertVerificationError as error:
        print("refused")
"""
    said = fleet.run("python3", "-c", script).splitlines()
    assert "NOAUTH" in said[0]
    assert said[1:] == ["refused", "refused"]


def test_the_worker_elsewhere_can_write_only_to_its_volumes(worker: Elsewhere) -> None:
    """Its user, root file system and capabilities are those of the composition's workers."""
    (number,) = worker.compose("ps", "--quiet").split()
    (container,) = json.loads(
        subprocess.run(["docker", "inspect", number], check=True, capture_output=True, text=True).stdout
    )
    host = container["HostConfig"]
    assert (container["Config"]["User"], host["ReadonlyRootfs"], host["CapDrop"]) == ("10001:10001", True, ["ALL"])
    assert "PASSWORD" not in json.dumps(container["Config"]["Env"]).upper()

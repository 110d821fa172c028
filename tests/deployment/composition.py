"""A composition that runs, as its operator sees it: by `docker compose`, and by HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
ENDED = {"succeeded", "partly_succeeded", "failed", "cancelled"}
VERSION = "tested"

_PATIENCE_SECONDS = 900  # for any operation, on a machine under other load

Json = dict[str, Any]


@dataclass(frozen=True)
class Timeline:
    """Events with their times, printed as they happen."""

    began: float = field(default_factory=time.monotonic)

    def note(self, what: str) -> None:
        """Prints a line, with the time since the beginning."""
        seconds = round(time.monotonic() - self.began)
        sys.stdout.write(f"\n{seconds // 60:3d}:{seconds % 60:02d}  {what}")
        sys.stdout.flush()


@dataclass(frozen=True)
class Composition:
    """A composition with its own name and port, independent of what else the engine runs.

    Attributes:
        project: Name of the composition, with which the names of its containers, volumes and networks begin.
        port: Of this host, for the gateway.
        timeline: Is told what happens.
        profiles: Of docker-compose.yml, separated by commas.
    """

    project: str
    port: int
    timeline: Timeline
    profiles: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which a plain `docker compose ...` addresses this composition, in any folder."""
        return os.environ | {
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_FILE": str(ROOT / "docker-compose.yml"),
            "COMPOSE_PROFILES": self.profiles,
            "EDGEPRESS_PORT": str(self.port),
            "EDGEPRESS_VERSION": VERSION,
            "EDGEPRESS_LEASE_SECONDS": "20",  # so that a death is noticed soon
        }

    @property
    def url(self) -> str:
        """The gateway's address."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, *command: str, folder: Path = ROOT) -> str:
        """Runs a command, which must succeed; answers what it wrote."""
        ran = subprocess.run(command, env=self.environment, cwd=folder, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{' '.join(command)}: {ran.stdout[-3000:]}\n{ran.stderr[-6000:]}"
        return ran.stdout

    def compose(self, *arguments: str) -> str:
        """`docker compose ...`."""
        return self.run("docker", "compose", *arguments)

    def execute(self, service: str, *command: str) -> str:
        """Runs a command in a service's container."""
        return self.compose("exec", "-T", service, *command)

    def refuses(self, service: str, *command: str) -> str:
        """Runs a command in a service's container, which must fail; answers what it complained of."""
        ran = subprocess.run(
            ["docker", "compose", "exec", "-T", service, *command],
            env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode != 0, f"{service} may {' '.join(command)}"
        return ran.stdout + ran.stderr

    def containers(self, *services: str) -> dict[str, Json]:
        """Return the engine's description of containers, by service name; of all containers if no service is given."""
        numbers = self.compose("ps", "--all", "--quiet", *services).split()
        known: list[Json] = json.loads(self.run("docker", "inspect", *numbers))
        return {one["Name"].removeprefix(f"/{self.project}-"): one for one in known}

    def token(self, service: str = "api", path: str = "gateway/edgepress_token") -> str:
        """A token, as docs/operations.md has it read: the operator's, or another service's own."""
        return self.execute(service, "cat", f"/run/secrets/{path}")

    def client(self, token: str) -> "Client":
        """Return a client that authenticates with a token."""
        headers = {"Authorization": f"Bearer {token}"}
        return Client(httpx.Client(base_url=self.url, headers=headers, timeout=60))

    def kill(self, service: str) -> None:
        """Kills every process in a service's container at once, as a crash would; the engine starts it again."""
        (before,) = self.containers(service).values()
        # All but the init, which no process of its container can kill: it ends because its child did.
        subprocess.run(
            ["docker", "compose", "exec", "-T", service, "sh", "-c", "kill -9 -1"],
            env=self.environment, cwd=ROOT, capture_output=True, check=False,
        )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            (now,) = self.containers(service).values()
            if now["RestartCount"] > before["RestartCount"] and now["State"]["Running"]:
                break
            assert time.monotonic() < deadline, f"{service} was not started again: {now['State']}"
            time.sleep(0.5)
        self.timeline.note(f"{service}: all its processes killed, and started again by the engine")

    def take_down(self) -> None:
        """Ends it and forgets all it has."""
        self.compose("--profile", "arm64", "down", "--volumes", "--remove-orphans")
        self.timeline.note(f"{self.project} is down, its volumes removed")


@dataclass(frozen=True)
class Client:
    """A client of the gateway."""

    http: httpx.Client

    def post(self, spec: Json) -> str:
        """Posts a job, and answers its id."""
        response = self.http.post("/v1/jobs", json=spec)
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def get(self, path: str) -> Json:
        """Return the resource at a path; repeat the request while the gateway is unavailable."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                found: Json = self.http.get(path).raise_for_status().json()
            except httpx.TransportError:
                time.sleep(0.5)
            else:
                return found
        raise AssertionError(f"no gateway for {_PATIENCE_SECONDS} s")

    def steps(self, job_id: str) -> dict[str, Json]:
        """The steps of a job's pipelines, by key."""
        job = self.get(f"/v1/jobs/{job_id}")
        return {step["key"]: step for pipeline in job["pipelines"] for step in pipeline["steps"]}

    def step(self, job_id: str, kind: str) -> Json:
        """The first step of a kind, in full."""
        key = next(step["key"] for step in self.steps(job_id).values() if step["kind"] == kind)
        return self.get(f"/v1/steps/{key}")

    def wait(self, what: str, until: Callable[[], Any], pause: float = 0.5) -> None:
        """Waits until something is so."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not until():
            assert time.monotonic() < deadline, f"not seen in {_PATIENCE_SECONDS} s: {what}"
            time.sleep(pause)

    def wait_for_training(self, job_id: str, share: float) -> None:
        """Wait until a fraction of a job's training is done, while it runs."""

        def is_so() -> bool:
            step = self.step(job_id, "stage")
            assert step["state"] != "succeeded", "the training was over before anything could happen to it"
            return bool(step["state"] == "running" and (step["progress"] or {"fraction": 0})["fraction"] >= share)

        self.wait(f"{share:.0%} of the training of {job_id}", is_so)

    def wait_for_the_end(self, job_id: str) -> None:
        """Wait until a job has succeeded."""
        self.wait(f"the end of {job_id}", lambda: self.get(f"/v1/jobs/{job_id}")["state"] in ENDED)
        job = self.get(f"/v1/jobs/{job_id}")
        assert job["state"] == "succeeded", json.dumps(job, indent=1)

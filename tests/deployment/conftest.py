"""A real engine, when the tests of the deployment are asked for."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from deployment.composition import Composition, Timeline
from edgepress_api.one_machine.ports import free_port


@pytest.fixture(scope="session")
def timeline() -> Timeline:
    """The timeline since the beginning of the tests."""
    return Timeline()


@pytest.fixture(scope="session")
def compose() -> None:
    """Docker's command line, with what the composition needs of it."""
    if not os.environ.get("EDGEPRESS_TEST_DEPLOYMENT"):
        pytest.skip("takes a Docker engine, and a quarter of an hour: `make test-deployment`; left out")
    assert shutil.which("docker"), "no docker on this machine"
    for plugin in ("compose", "buildx"):
        subprocess.run(["docker", plugin, "version"], check=True, capture_output=True)


@pytest.fixture(scope="session")
def engine(compose: None) -> None:
    """One that answers."""
    subprocess.run(["docker", "info"], check=True, capture_output=True)


@pytest.fixture(scope="session")
def composition(engine: None, timeline: Timeline) -> Iterator[Composition]:
    """All of docker-compose.yml, with an emulated Arm board, built from what is here. Nothing of it is left."""
    whole = Composition(f"edgepress-test-{os.getpid()}", free_port(), timeline, profiles="arm64")
    try:
        timeline.note("docker compose --profile arm64 up --build --wait")
        whole.compose("build")
        timeline.note("built")
        whole.compose("up", "--wait")
        timeline.note("up, and all of it healthy")
        yield whole
    finally:
        _keep_the_last_words(whole)
        whole.take_down()
    left = {what: _left(what, whole.project) for what in ("container", "volume", "network")}
    assert left == {"container": [], "volume": [], "network": []}


def _keep_the_last_words(composition: Composition) -> None:
    note = composition.timeline.note
    for name, container in composition.containers().items():
        state = container["State"]
        health = state.get("Health", {}).get("Status", "")
        note(f"at the end {name}: {state['Status']} {health}, {container['RestartCount']} restarts")
        if health == "unhealthy":
            note(json.dumps(state["Health"]["Log"][-1], indent=1))
            note(composition.run("docker", "logs", "--tail", "40", container["Id"]))


def _left(what: str, project: str) -> list[str]:
    command = ["docker", what, "ls", "--quiet", "--filter", f"label=com.docker.compose.project={project}"]
    command += ["--all"] if what == "container" else []
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

"""The whole of docker-compose.yml with a real engine, one thing after another: the tests are in the order of a life.

``make test-deployment``; a quarter of an hour, and the time to build. Later ones look at what earlier ones have done.
"""

import json
import re
import socket
import subprocess
from collections import defaultdict
from pathlib import Path

import httpx
import pytest

from deployment.composition import ROOT, VERSION, Client, Composition, Json, Timeline
from edgepress_api.one_machine.ports import free_port
from edgepress_evaluator.settings import default_device_name

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

OURS = ("api", "scheduler", "worker", "evaluator", "evaluator-arm64")
OTHERS = ("redis", "postgres")
ONCE = ("secrets", "migrate", "tokens")
MEGABYTE = 1_000_000
TINY: Json = {
    "name": "tiny",
    "dataset": {"kind": "builtin", "name": "digits", "image_size": 32},
    "model": {"architecture": "mobilenet_v2", "width": 0.35},
    "training": {"epochs": 6, "batch_size": 32},
    "pipelines": [{"name": "base", "exports": ["float32", "int8"]}],
    "evaluation": {"devices": ["host", "arm64"], "runs": 20, "warmup_runs": 2},
}
WITHOUT_BOARD: Json = {"devices": ["host"], "runs": 20, "warmup_runs": 2}


@pytest.fixture(scope="session")
def operator(composition: Composition) -> Client:
    """The client that uses the token that docs/operations.md describes."""
    return composition.client(composition.token())


@pytest.fixture(scope="session")
def first_job(composition: Composition, operator: Client, timeline: Timeline) -> str:
    """A job that went through while worker and scheduler were killed, and gateway and Redis restarted."""
    job_id = operator.post(TINY)
    timeline.note("first job posted: digits, mobilenet_v2 0.35, float32 and int8, on this host and on arm64")
    operator.wait_for_training(job_id, 1 / 3)
    timeline.note("a third of its training is done")
    composition.kill("worker")
    composition.kill("scheduler")
    operator.wait_for_training(job_id, 1 / 2)
    for service in ("redis", "api"):
        composition.compose("restart", service)
        timeline.note(f"{service} restarted")
    operator.wait_for_the_end(job_id)
    timeline.note("first job succeeded")
    return job_id


def test_all_services_are_healthy(composition: Composition) -> None:
    """One-time services have exited with 0; a worker logs its compute device; Redis requires a password."""
    containers = composition.containers()
    assert set(containers) == {f"{service}-1" for service in (*OURS, *OTHERS, *ONCE)}
    for service in (*OURS, *OTHERS):
        assert containers[f"{service}-1"]["State"]["Health"]["Status"] == "healthy", service
    for service in ONCE:
        state = containers[f"{service}-1"]["State"]
        assert (state["Status"], state["ExitCode"]) == ("exited", 0), service
    assert "accelerators: none found; computes on" in composition.compose("logs", "worker")
    assert "NOAUTH" in composition.execute("redis", "redis-cli", "ping")


def test_only_the_gateway_is_published(composition: Composition) -> None:
    """The gateway is published on loopback; an evaluator reaches neither Redis nor PostgreSQL."""
    published = {
        (name, inner, outer["HostIp"], int(outer["HostPort"]))
        for name, container in composition.containers().items()
        for inner, bound in container["NetworkSettings"]["Ports"].items()
        for outer in bound or ()
    }
    assert published == {("api-1", "8000/tcp", "127.0.0.1", composition.port)}
    for service, port in (("redis", 6379), ("postgres", 5432)):
        (container,) = composition.containers(service).values()
        ((_, network),) = container["NetworkSettings"]["Networks"].items()
        script = f"import socket; socket.create_connection(({network['IPAddress']!r}, {port}), 5)"
        composition.execute("api", "python3", "-c", script)
        assert "TimeoutError" in composition.refuses("evaluator", "python3", "-c", script)


def test_no_service_is_root_or_can_write_to_its_image(composition: Composition) -> None:
    """Edgepress services by user, capabilities and root file system; the others also run as a user other than root."""
    for service in OURS:
        (container,) = composition.containers(service).values()
        host = container["HostConfig"]
        assert (container["Config"]["User"], host["ReadonlyRootfs"], host["CapDrop"]) == ("10001:10001", True, ["ALL"])
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert host["Memory"] > 0
        assert composition.execute(service, "id", "-u") == "10001\n"
        assert "Read-only file system" in composition.refuses(service, "touch", "/app/written")
    for service in OTHERS:
        (container,) = composition.containers(service).values()
        assert container["HostConfig"]["ReadonlyRootfs"], service
        assert composition.execute(service, "stat", "-c", "%u", "/proc/1").strip() != "0", service


def test_images_hold_what_they_should(composition: Composition, timeline: Timeline) -> None:
    """TensorFlow in the worker's alone; nothing of the build; labels; and a board's stays small."""
    find = "import importlib.util as u; print([name for name in ('tensorflow', 'ai_edge_litert') if u.find_spec(name)])"
    has = {service: composition.execute(service, "python3", "-c", find).strip() for service in OURS}
    assert has == {
        "api": "[]", "scheduler": "[]", "worker": "['tensorflow']", "evaluator": "['ai_edge_litert']",
        "evaluator-arm64": "['ai_edge_litert']",
    }  # fmt: skip
    for service in OURS:
        listed = composition.execute(service, "sh", "-c", "ls / /app/bin").split()
        assert {"app", "etc"} <= set(listed)
        assert not {"src", "cache", "skeleton", "uv", "pip"} & set(listed), service
    for image in ("api", "worker", "evaluator"):
        (known,) = json.loads(composition.run("docker", "image", "inspect", f"edgepress-{image}:{VERSION}"))
        timeline.note(f"edgepress-{image}, {known['Architecture']}: {known['Size'] / MEGABYTE:.0f} MB")
        labels = known["Config"]["Labels"]
        assert labels["org.opencontainers.image.title"] == f"edgepress-{image}"
        assert labels["org.opencontainers.image.version"] == VERSION
    (known,) = json.loads(composition.run("docker", "image", "inspect", f"edgepress-evaluator:{VERSION}-arm64"))
    timeline.note(f"edgepress-evaluator, {known['Architecture']}: {known['Size'] / MEGABYTE:.0f} MB")
    assert known["Architecture"] == "arm64"
    assert known["Size"] <= 350 * MEGABYTE


def test_a_job_survives_what_happens_to_its_services(operator: Client, first_job: str) -> None:
    """The training went on from a saved epoch, and nothing that was done was done again."""
    train = operator.step(first_job, "stage")
    assert train["attempt"] >= 2
    assert train["result"]["resumed_after_epochs"] >= 1
    assert len(train["result"]["epochs"]) == TINY["training"]["epochs"]
    assert operator.step(first_job, "pack")["attempt"] == 1


def test_the_report_has_both_devices(operator: Client, first_job: str, timeline: Timeline) -> None:
    """The Arm board is said to be imitated; of integer arithmetic it finds what this host finds, image by image."""
    report = operator.get(f"/v1/jobs/{first_job}/report")
    assert report["complete"] is True
    rows = {(row["device"], row["export"]): row for row in report["rows"]}
    assert set(rows) == {(device, export) for device in ("host", "arm64") for export in ("float32", "int8")}
    for (device, export), row in rows.items():
        assert row["emulated"] is (device == "arm64")
        time = "" if row["emulated"] else f", {row['latency_ms']['p50']:.2f} ms"
        timeline.note(f"report: {device}, {export}: accuracy {row['accuracy']:.4f} of {row['images']} images{time}")
    found = {
        step["device"]: operator.get(f"/v1/steps/{step['key']}")["result"]
        for step in operator.steps(first_job).values()
        if step["kind"] == "evaluation" and "int8" in step["title"]
    }
    assert found["arm64"]["right_images"] == found["host"]["right_images"]
    assert found["arm64"]["confusion"] == found["host"]["confusion"]
    for device, machine in (("arm64", "aarch64"), ("host", "x86_64")):
        surroundings = found[device]["surroundings"]
        assert (surroundings["machine"], surroundings["delegate"]) == (machine, "XNNPACK")
    assert {"arm64", "emulated"} <= set(announced(operator)["arm64"]["labels"])


def announced(operator: Client) -> dict[str, Json]:
    """Return the announcements of the devices, by name."""
    return {device["name"]: device["announcement"] for device in operator.get("/v1/devices")["devices"]}


def test_down_and_up_in_the_middle_loses_nothing(
    composition: Composition, operator: Client, first_job: str, timeline: Timeline
) -> None:
    """A training is saved, given back and gone on with; the pack is not made again."""
    job_id = operator.post(TINY | {"training": TINY["training"] | {"seed": 2}, "evaluation": WITHOUT_BOARD})
    operator.wait_for_training(job_id, 1 / 3)
    timeline.note("second job is in training")
    composition.compose("down")
    timeline.note("docker compose down")
    composition.compose("up", "--wait")
    timeline.note("up again, and healthy")
    operator.wait_for_the_end(job_id)
    train = operator.step(job_id, "stage")
    timeline.note(f"second job succeeded; its training went on after epoch {train['result']['resumed_after_epochs']}")
    assert train["result"]["resumed_after_epochs"] >= 1
    assert train["failure"] is None  # returning a step is not a failure
    assert operator.step(job_id, "pack")["finished_at"] == operator.step(first_job, "pack")["finished_at"]
    assert operator.get(f"/v1/jobs/{first_job}")["state"] == "succeeded"


def test_three_workers_share_a_jobs_steps(
    composition: Composition, operator: Client, first_job: str, timeline: Timeline
) -> None:
    """Several of them work, and each step is begun once, by one of them."""
    composition.compose("up", "--wait", "--no-recreate", "--scale", "worker=3")
    timeline.note("docker compose up --scale worker=3")
    stages = [{"kind": "prune"}, {"kind": "cluster"}, {"kind": "quantize_aware"}]
    pipelines = [{"name": each["kind"], "stages": [each | {"epochs": 1}], "exports": ["int8"]} for each in stages]
    spec = TINY | {"training": TINY["training"] | {"epochs": 1, "seed": 3}, "evaluation": WITHOUT_BOARD}
    job_id = operator.post(spec | {"pipelines": pipelines})
    owners: dict[str, set[tuple[int, str]]] = defaultdict(set)

    def is_over() -> bool:
        for step in operator.steps(job_id).values():
            if step["holder"] and step["kind"] in {"stage", "export"}:
                owners[step["key"]].add((step["attempt"], step["holder"]))
        return operator.get(f"/v1/jobs/{job_id}")["state"] not in {"queued", "running"}

    operator.wait("the end of the third job", is_over, pause=0.1)
    operator.wait_for_the_end(job_id)
    workers = {owner for each in owners.values() for _, owner in each}
    timeline.note(f"third job succeeded; {len(owners)} steps of it were seen in the hands of {len(workers)} workers")
    assert len(workers) >= 2
    new = {key: step for key, step in operator.steps(job_id).items() if step["kind"] in {"stage", "export"}}
    assert {key: len(owners[key]) for key in new} == dict.fromkeys(new, 1)
    assert {step["attempt"] for step in new.values()} == {1}
    composition.compose("up", "--wait", "--no-recreate", "--scale", "worker=1")


def test_an_evaluators_token_does_nothing_else(composition: Composition, operator: Client, first_job: str) -> None:
    """It can't read a job, post one, or act as another device."""
    device = composition.client(composition.token("evaluator", "device/edgepress_token")).http
    model = next(step for step in operator.steps(first_job).values() if step["kind"] == "stage")["key"]
    weights = operator.get(f"/v1/steps/{model}")["outputs"]["model"]["sha256"]
    answers = {
        "jobs": device.get("/v1/jobs"),
        "report": device.get(f"/v1/jobs/{first_job}/report"),
        "post": device.post("/v1/jobs", json=TINY),
        "cancel": device.post(f"/v1/jobs/{first_job}/cancel"),
        "steps": device.get(f"/v1/steps/{model}"),
        "other": device.post("/v1/devices/arm64/lease", json=announced(operator)["arm64"], params={"wait_seconds": 0}),
        "weights": device.get(f"/v1/artifacts/{weights}"),
    }
    codes = {what: answer.status_code for what, answer in answers.items()}
    assert codes == dict.fromkeys(answers, 403) | {"weights": 404}
    assert httpx.get(f"{composition.url}/v1/jobs").status_code == 401


def test_a_board_joins_with_one_file_and_two_settings(
    composition: Composition, operator: Client, timeline: Timeline
) -> None:
    """evaluator/compose.yml, with the arm64 image, emulated."""
    name = default_device_name(socket.gethostname())
    token = composition.execute("api", "edgepress", "tokens", "create", "--user", "lab", "--device", name)
    found = re.search(r"edgepress_\S+", token)
    assert found
    board = Board(composition, found[0])
    try:
        board.compose("up", "--detach")
        operator.wait("the board", lambda: name in announced(operator))
        board_says = announced(operator)[name]
        timeline.note(f"a board joined: {board_says['machine']}, labels {', '.join(board_says['labels'])}")
        assert board_says["machine"] == "aarch64"
    finally:
        board.compose("down", "--volumes")


class Board:
    """Commands of a board's owner."""

    def __init__(self, composition: Composition, token: str) -> None:
        self._environment = composition.environment | {
            "COMPOSE_PROJECT_NAME": f"{composition.project}-board",
            "COMPOSE_FILE": str(ROOT / "evaluator" / "compose.yml"),
            "EDGEPRESS_VERSION": VERSION,
            "EDGEPRESS_GATEWAY": composition.url,
            "EDGEPRESS_TOKEN": token,
        }

    def compose(self, *arguments: str) -> None:
        subprocess.run(["docker", "compose", *arguments], env=self._environment, check=True, capture_output=True)


def test_a_backup_is_restored_elsewhere(
    composition: Composition, operator: Client, first_job: str, timeline: Timeline, tmp_path: Path
) -> None:
    """The commands of docs/operations.md restore the old reports, and no step is missing."""
    backup, restore = commands("Backups, and restoring them")
    report = operator.get(f"/v1/jobs/{first_job}/report")
    bash(composition, backup, tmp_path)
    sizes = ", ".join(f"{file.name} {file.stat().st_size / 1000:.0f} kB" for file in sorted(tmp_path.iterdir()))
    timeline.note(f"backed up: {sizes}")
    other = Composition(f"{composition.project}-restored", free_port(), timeline)
    try:
        bash(other, restore, tmp_path)
        timeline.note("restored into an empty composition")
        token = composition.token()
        for who in (other.client(token), other.client(other.token())):
            assert who.get(f"/v1/jobs/{first_job}/report") == report
        again = who.post(TINY)  # every step is done, and what it gave is there
        who.wait_for_the_end(again)
        assert {step["attempt"] for step in who.steps(again).values()} == {
            step["attempt"] for step in operator.steps(first_job).values()
        }
        sha256 = report["rows"][0]["model_sha256"]
        assert who.http.get(f"/v1/artifacts/{sha256}").content == operator.http.get(f"/v1/artifacts/{sha256}").content
    finally:
        other.take_down()


def commands(heading: str) -> list[list[str]]:
    """The blocks of commands under a heading of docs/operations.md."""
    page = (ROOT / "docs" / "operations.md").read_text()
    (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return [re.findall(r"^\$ (.*)$", block, re.MULTILINE) for block in blocks]


def bash(composition: Composition, lines: list[str], folder: Path) -> None:
    """Types the commands in, one after another."""
    assert lines
    for line in lines:
        composition.run("bash", "-ec", line, folder=folder)


def test_bake_builds_for_both_processors(composition: Composition, timeline: Timeline) -> None:
    """The platforms are those of docker-bake.hcl."""
    composition.run("docker", "buildx", "bake")
    built = json.loads(
        composition.run(
            "docker", "image", "inspect", f"edgepress-evaluator:{VERSION}", f"edgepress-evaluator:{VERSION}-arm64"
        )
    )
    timeline.note("docker buildx bake: the evaluator for amd64 and arm64")
    assert [image["Architecture"] for image in built] == ["amd64", "arm64"]


def test_the_override_reserves_gpus(compose: None) -> None:
    """Docker compose merges the two files so; no GPU is available to run it."""
    files = ["-f", "docker-compose.yml", "-f", "docker-compose.gpu.yml"]
    command = ["docker", "compose", *files, "config", "--format", "json"]
    rendered = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    worker = rendered["services"]["worker"]
    assert worker["build"]["args"]["ACCELERATOR"] == "cuda"
    assert worker["image"].endswith("-cuda")
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["count"]) == ("nvidia", -1)
    assert "gpu" in device["capabilities"]
    assert worker["environment"]["EDGEPRESS_STEPS_PER_PROCESS"] == "1"

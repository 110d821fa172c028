"""The Helm chart, as Helm renders it and Kubernetes's schemas accept it: ``make test-helm``. No cluster is needed."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = os.environ.get("EDGEPRESS_TEST_HELM")
pytestmark = pytest.mark.skipif(not PYTHON, reason="EDGEPRESS_TEST_HELM names no Python with Helm: `make test-helm`")

Json = dict[str, Any]
PARTS = ("gateway", "scheduler", "worker", "migrate", "redis", "postgres")
LEAST: Json = {"secrets": {part: f"edgepress-{part}" for part in PARTS}, "artifacts": {"s3": "s3://bucket/prefix"}}
GPU: Json = {"workers": {"train": {"gpus": 1, "minReplicas": 0}, "convert": {"replicas": 3}}}
KEDA: Json = {"scaling": {"kind": "keda", "keda": {"prometheus": "http://prometheus:9090"}}}
OTHER_SERVERS: Json = {"redis": {"bundled": False}, "postgres": {"bundled": False}}
INGRESS: Json = {"gateway": {"ingress": {"enabled": True, "host": "edgepress.example", "tlsSecret": "tls"}}}
CLAIMS: Json = {
    "artifacts": {"s3": "", "existingClaim": "artifacts", "credentialsSecret": "aws"},
    "datasets": {"existingClaim": "datasets"},
    "metrics": {"serviceMonitor": True, "tokenSecret": "prometheus"},
}


def merged(*values: Json) -> Json:
    """Values, each of which overrides those before it."""
    result: Json = {}
    for each in values:
        for name, value in each.items():
            kept = result.get(name)
            result[name] = merged(kept, value) if isinstance(kept, dict) and isinstance(value, dict) else value
    return result


def render(*values: Json) -> Json:
    """Render the chart with the least values and these."""
    assert PYTHON is not None
    command = [PYTHON, str(ROOT / "tests" / "deployment" / "render_chart.py"), json.dumps(merged(LEAST, *values))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: Json = json.loads(ran.stdout)
    return found


def named(objects: list[Json], kind: str) -> dict[str, Json]:
    """The objects of a kind, by name without the release's."""
    return {each["metadata"]["name"].removeprefix("edgepress-"): each for each in objects if each["kind"] == kind}


@pytest.mark.parametrize(
    "values", [{}, GPU, KEDA, {"scaling": {"kind": "hpa"}}, merged(OTHER_SERVERS, INGRESS), CLAIMS]
)
def test_helm_and_kubernetes_accept_it(values: Json) -> None:
    """Without a warning, by the schemas of the oldest and the newest version, which know all of its fields."""
    found = render(values)
    assert [message for message in found["lint"]["messages"] if message["severity"] > 1] == []
    assert found["lint"]["errors"] == []
    assert found["invalid"] == []
    assert {"gateway", "scheduler", "worker-train", "worker-convert"} == set(named(found["objects"], "Deployment"))


@pytest.mark.parametrize("part", PARTS)
def test_no_secret_has_a_default(part: str) -> None:
    """Each has to be named; a server that is not bundled needs none. No password is in any object."""
    assert f"secrets.{part} is empty" in render({"secrets": {part: ""}}).get("error", "")
    if part in {"redis", "postgres"}:
        assert "error" not in render(OTHER_SERVERS, {"secrets": {part: ""}})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"artifacts": {"s3": ""}}, "artifacts.s3 and artifacts.existingClaim are empty"),
        ({"artifacts": {"s3": "bucket"}}, "artifacts"),
        ({"workers": {"train": {"gpus": 2}}}, "gpus"),
        ({"workers": {"train": {"queues": ["evaluate"]}}}, "queues"),
        ({"scaling": {"kind": "keda"}}, "scaling.keda.prometheus is empty"),
        ({"gateway": {"ingress": {"enabled": True}}}, "gateway.ingress.host is empty"),
        ({"gatewy": {}}, "gatewy"),
    ],
)
def test_a_value_that_can_not_work_is_refused(values: Json, said: str) -> None:
    """The message names it; misspelt names are refused, too."""
    assert said in render(values).get("error", "")


def containers(objects: list[Json]) -> list[tuple[Json, Json]]:
    """All containers, each with the pod that it is in."""
    pods = [each["spec"]["template"]["spec"] for each in objects if each["kind"] in {"Deployment", "StatefulSet"}]
    return [(pod, each) for pod in pods for each in [*pod.get("initContainers", []), *pod["containers"]]]


def test_containers_are_hardened() -> None:
    """Another user than root, a root file system that is only read, no capabilities, and limits."""
    found = containers(render()["objects"])
    assert len(found) == 8
    for pod, container in found:
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] in {999, 10001}
        assert not pod["automountServiceAccountToken"]
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"]
        assert not security["allowPrivilegeEscalation"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]


def test_each_container_mounts_only_its_own_secrets() -> None:
    """A worker has no access to the database; only the migration connects as its superuser."""
    for pod, container in containers(render()["objects"]):
        secrets = {each["name"]: each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
        mounted = {secrets[each["name"]] for each in container["volumeMounts"] if each["name"] in secrets}
        assert mounted == {f"edgepress-{container['name']}"}
        folder = {each["name"]: each["value"] for each in container.get("env", ())}.get("EDGEPRESS_SECRETS_DIR")
        assert folder in {None, f"/run/secrets/{container['name']}"}


def test_only_named_pods_reach_the_servers() -> None:
    """Redis: gateway, scheduler and workers. PostgreSQL: gateway and scheduler. The gateway: all, or those named."""
    policies = named(render()["objects"], "NetworkPolicy")
    assert policies["closed"]["spec"].keys() == {"podSelector", "policyTypes"}
    for server, peers in (("redis", 3), ("postgres", 2)):
        spec = policies[server]["spec"]
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        assert "egress" not in spec
        (rule,) = spec["ingress"]
        assert len(rule["from"]) == peers
    assert "from" not in policies["gateway"]["spec"]["ingress"][0]
    peer = {"namespaceSelector": {"matchLabels": {"name": "ingress"}}}
    (rule,) = named(render({"networkPolicies": {"gatewayFrom": [peer]}})["objects"], "NetworkPolicy")["gateway"][
        "spec"
    ]["ingress"]
    assert rule["from"] == [peer]
    assert named(render({"networkPolicies": {"enabled": False}})["objects"], "NetworkPolicy") == {}


def test_a_worker_with_a_gpu_requests_it() -> None:
    """With the image for GPUs, and a process for each step; the other group is unchanged."""
    workers = named(render(GPU)["objects"], "Deployment")
    (train,), (convert,) = (
        workers[name]["spec"]["template"]["spec"]["containers"] for name in ("worker-train", "worker-convert")
    )
    assert train["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert train["image"].endswith("-cuda")
    assert {"name": "EDGEPRESS_STEPS_PER_PROCESS", "value": "1"} in train["env"]
    assert "nvidia.com/gpu" not in convert["resources"]["limits"]
    assert not convert["image"].endswith("-cuda")
    assert workers["worker-convert"]["spec"]["replicas"] == 3


def test_workers_follow_the_steps_of_their_queues() -> None:
    """Waiting and running ones, by KEDA or by an autoscaler, which then alone decides on the number."""
    by_keda, by_hpa = render(KEDA, GPU)["objects"], render({"scaling": {"kind": "hpa"}}, GPU)["objects"]
    scaled = named(by_keda, "ScaledObject")
    queries = {name: each["spec"]["triggers"][0]["metadata"]["query"] for name, each in scaled.items()}
    assert queries == {
        f"worker-{group}": f'sum(max by (kind, state) (edgepress_steps{{kind=~"{kinds}",state=~"ready|sent|running"}}))'
        for group, kinds in (("train", "stage"), ("convert", "pack|export"))
    }
    assert scaled["worker-train"]["spec"]["minReplicaCount"] == 0
    autoscalers = named(by_hpa, "HorizontalPodAutoscaler")
    assert autoscalers["worker-train"]["spec"]["minReplicas"] == 1  # an autoscaler can't start from none
    (metric,) = autoscalers["worker-convert"]["spec"]["metrics"]
    kinds, _ = metric["external"]["metric"]["selector"]["matchExpressions"]
    assert kinds["values"] == ["pack", "export"]
    for objects in (by_keda, by_hpa):
        assert "replicas" not in named(objects, "Deployment")["worker-train"]["spec"]

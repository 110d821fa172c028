"""The files a deployment is made of agree with one another, as far as that shows without an engine."""

import re
from pathlib import Path

import pytest
import yaml

from edgepress_api.secrets.generation import SecretsSettings
from edgepress_api.secrets.redis_tls import TLS_CONFIGURATION
from edgepress_api.settings import ApiSettings
from edgepress_common.settings import BaseEdgepressSettings
from edgepress_evaluator.settings import EvaluatorSettings
from edgepress_worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCUMENTED = dict(re.findall(r"^#([A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))

SETTINGS: dict[str, tuple[type[BaseEdgepressSettings], tuple[str, ...]]] = {
    "api": (ApiSettings, ("api", "scheduler")),
    "worker": (WorkerSettings, ("worker",)),
    "evaluator": (EvaluatorSettings, ("evaluator",)),
}
KINDS: tuple[type[BaseEdgepressSettings], ...] = (SecretsSettings, ApiSettings, WorkerSettings, EvaluatorSettings)
AS_THE_COMPOSITION_NEEDS_THEM = {
    "redis_url", "database_url", "service_database_url", "token", "webhook_key",  # files in EDGEPRESS_SECRETS_DIR
    "smtp_password",  # likewise
    "machine_lock",  # mounted where it is by default
    "port", "require_tokens", "local_token",  # published as another, and asked for since it can be reached
    "worker_name",  # the container's
    "tls_authority",  # SSL_CERT_FILE, which the command line in the containers reads, too
    "emulated", "python_command",  # found out; for programs that are started in an emulator
}  # fmt: skip


def environment_of(service: str) -> dict[str, str | None]:
    return dict(yaml.safe_load(COMPOSE)["services"][service]["environment"])


def test_every_setting_of_the_composition_is_documented() -> None:
    """.env.example has its actual default: the composition's, else the program's."""
    used = dict(re.findall(r"\$\{(EDGEPRESS_\w+):-([^{}]*)\}", COMPOSE))
    used |= dict.fromkeys(re.findall(r"\$\{(EDGEPRESS_\w+):-\$", COMPOSE), "")
    for_workers = (ROOT / "docker-compose.workers.yml").read_text()
    used |= dict(re.findall(r"\$\{(EDGEPRESS_\w+):-([^{}]*)\}", for_workers))
    used |= dict.fromkeys(re.findall(r"\$\{(EDGEPRESS_\w+):\?", for_workers), "")
    handed_on = {
        name
        for service in yaml.safe_load(COMPOSE)["services"].values()
        for name, value in service.get("environment", {}).items()
        if value is None
    }
    assert set(DOCUMENTED) == set(used) | handed_on
    assert {name: DOCUMENTED[name] for name in used} == used
    defaults = {name: value for kind in KINDS for name, value in defaults_of(kind).items() if name in handed_on}
    assert handed_on - set(defaults) == {"AWS_PROFILE"}  # no secret: the engine shows the environment
    for name, value in defaults.items():
        assert as_read(name, DOCUMENTED[name]) == value, name


@pytest.mark.parametrize("image", SETTINGS)
def test_every_setting_of_a_program_can_be_set(image: str) -> None:
    """A container gets it from the composition or the image, or it is named above with the reason."""
    kind, services = SETTINGS[image]
    set_by_image = set(re.findall(r"(EDGEPRESS_\w+)=", (ROOT / image / "Dockerfile").read_text()))
    known = set_by_image.union(*(environment_of(service) for service in services))
    missing = {name for name in kind.model_fields if f"EDGEPRESS_{name.upper()}" not in known}
    assert missing <= AS_THE_COMPOSITION_NEEDS_THEM | {"heartbeat_file"}


def test_each_reader_of_secrets_has_its_own_folder() -> None:
    """Services that run have their own alone, and none can write there; those that make secrets end."""
    for name, service in yaml.safe_load(COMPOSE)["services"].items():
        secrets = [volume for volume in service["volumes"] if "-secrets:" in volume]
        if name in {"secrets", "tokens"}:
            assert service["restart"] == "no"
            continue
        assert len(secrets) == 1, name
        assert secrets[0].endswith(":ro"), name


def defaults_of(kind: type[BaseEdgepressSettings]) -> dict[str, object]:
    """Return the default settings of a program, by the names of its environment variables."""
    fields = kind.model_fields.items()
    return {f"EDGEPRESS_{name.upper()}": field.get_default(call_default_factory=True) for name, field in fields}


def as_read(name: str, text: str) -> object:
    """A setting as a program would have it; empty stands for not being set."""
    field = name.removeprefix("EDGEPRESS_").lower()
    kind = next(kind for kind in KINDS if field in kind.model_fields)
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv(name, raising=False)
        if text:
            environment.setenv(name, text)
        return getattr(kind(), field)


def test_only_the_gateway_is_published() -> None:
    """Evaluators can't reach Redis and PostgreSQL, and those can't reach the internet."""
    composition = yaml.safe_load(COMPOSE)
    services = composition["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["api"]
    assert {name for name, service in services.items() if service.get("networks") == ["backend"]} >= {
        "redis",
        "postgres",
    }
    assert all(service["networks"] == ["front"] for name, service in services.items() if name.startswith("evaluator"))
    assert composition["networks"]["backend"] == {"internal": True}


def test_a_private_authority_is_trusted_where_the_gateway_is_called() -> None:
    """It is a setting of every service that has the gateway's address, in the composition and on a board."""
    board = yaml.safe_load((ROOT / "evaluator" / "compose.yml").read_text())["services"]
    services = yaml.safe_load(COMPOSE)["services"] | {"board": board["evaluator"]}
    callers = {name: each for name, each in services.items() if "EDGEPRESS_GATEWAY" in each.get("environment", {})}
    assert set(callers) == {"api", "evaluator", "evaluator-arm64", "board"}
    for name, service in callers.items():
        inside = service["environment"]["SSL_CERT_FILE"]
        assert inside == "${EDGEPRESS_TLS_AUTHORITY:+/run/tls-authority.pem}", name
        assert "${EDGEPRESS_TLS_AUTHORITY:-/dev/null}:/run/tls-authority.pem:ro" in service["volumes"], name


def test_every_service_that_stays_has_bounds() -> None:
    """Memory, processes, a restart policy, a time to stop in, no capabilities, a root file system that is only read."""
    for name, service in yaml.safe_load(COMPOSE)["services"].items():
        assert service["read_only"], name
        assert service["mem_limit"], name
        if service["restart"] != "no":
            assert service["restart"] == "unless-stopped", name
            assert service["stop_grace_period"], name
            assert service["pids_limit"], name
            assert service["cap_drop"] == ["ALL"], name


def test_health_checks_are_rare_and_never_disturb_a_measurement() -> None:
    """After the first success, each waits a minute; that of a device waits for ever."""
    checks = [service.get("healthcheck", {}).get("test") for service in yaml.safe_load(COMPOSE)["services"].values()]
    in_compose = [" ".join(check) for check in checks if check]
    in_images = {
        image: re.search(r"HEALTHCHECK .*?--timeout=(\w+) .*CMD (\[.*\])", (ROOT / image / "Dockerfile").read_text())
        for image in ("worker", "evaluator")
    }
    assert len(in_compose) == 4
    assert all("sleep 60" in check or "check-health 60" in check for check in in_compose)
    found = {image: match.groups() for image, match in in_images.items() if match}
    assert found["worker"] == ("90s", '["check-health", "60", "heartbeat", "30"]')
    assert found["evaluator"] == ("87600h", '["check-health", "infinity", "heartbeat", "120"]')


def test_images_and_the_environment_have_one_version_of_uv() -> None:
    """The Makefile's."""
    (version,) = re.findall(r"^UV_VERSION := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for member in ("api", "worker", "evaluator"):
        assert f"ARG UV_VERSION={version}\n" in (ROOT / member / "Dockerfile").read_text()
    assert f"EDGEPRESS_UV_VERSION:-{version}" in COMPOSE


def test_our_images_are_pulled_only_where_a_registry_has_them() -> None:
    """No registry is asked by default for images that are built here; one setting has all of them pulled."""
    services = yaml.safe_load(COMPOSE)["services"]
    ours = {name: service for name, service in services.items() if "edgepress-" in service["image"]}
    assert set(services) - set(ours) == {"redis", "postgres"}
    assert {service["pull_policy"] for service in ours.values()} == {"${EDGEPRESS_PULL_POLICY:-never}"}
    board = yaml.safe_load((ROOT / "evaluator" / "compose.yml").read_text())["services"]["evaluator"]
    elsewhere = yaml.safe_load((ROOT / "deploy" / "worker.compose.yml").read_text())["services"]["worker"]
    for service in (*ours.values(), board, elsewhere):
        assert "${EDGEPRESS_REGISTRY:-}edgepress-" in service["image"]


def test_a_worker_elsewhere_has_the_settings_and_bounds_of_one_here() -> None:
    """Only its way to Redis and to the bucket differs."""
    worker = yaml.safe_load(COMPOSE)["services"]["worker"]
    elsewhere = yaml.safe_load((ROOT / "deploy" / "worker.compose.yml").read_text())["services"]["worker"]
    assert set(elsewhere["environment"]) == set(worker["environment"])
    for bound in ("read_only", "cap_drop", "security_opt", "tmpfs", "pids_limit", "mem_limit", "stop_grace_period"):
        assert elsewhere[bound] == worker[bound], bound
    assert "ports" not in elsewhere


def test_workers_elsewhere_reach_redis_by_tls_alone() -> None:
    """The unencrypted port stays in the internal network; evaluators are in neither network of Redis."""
    override = yaml.safe_load((ROOT / "docker-compose.workers.yml").read_text())
    redis = override["services"]["redis"]
    (published,) = redis["ports"]
    assert published.endswith(":6380")
    assert "tls-port 6380" in TLS_CONFIGURATION
    services = yaml.safe_load(COMPOSE)["services"] | override["services"]
    for name, service in services.items():
        if name not in {"redis", "secrets"}:
            assert "workers-elsewhere" not in service["networks"], name

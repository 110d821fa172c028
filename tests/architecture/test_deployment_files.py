"""The files a deployment is made of agree with one another, as far as that shows without an engine."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()


def test_every_setting_of_the_composition_is_documented() -> None:
    """In .env.example, with the default it really has."""
    used = dict(re.findall(r"\$\{(EDGEPRESS_\w+):-([^{}]*)\}", COMPOSE))
    used |= dict.fromkeys(re.findall(r"\$\{(EDGEPRESS_\w+):-\$", COMPOSE), "")
    documented = dict(re.findall(r"^#(EDGEPRESS_\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert documented == used


def test_only_the_gateway_is_published() -> None:
    """And evaluators are kept from Redis and PostgreSQL, which are kept from the internet."""
    composition = yaml.safe_load(COMPOSE)
    services = composition["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["api"]
    assert {name for name, service in services.items() if service.get("networks") == ["backend"]} >= {
        "redis",
        "postgres",
    }
    assert all(service["networks"] == ["front"] for name, service in services.items() if name.startswith("evaluator"))
    assert composition["networks"]["backend"] == {"internal": True}


def test_every_service_that_stays_has_bounds() -> None:
    """Memory, a restart policy, a time to stop in, and a root file system that is only read."""
    for name, service in yaml.safe_load(COMPOSE)["services"].items():
        assert service["read_only"], name
        assert service["mem_limit"], name
        if service["restart"] != "no":
            assert service["restart"] == "unless-stopped", name
            assert service["stop_grace_period"], name


def test_images_and_the_environment_have_one_version_of_uv() -> None:
    """The Makefile's."""
    (version,) = re.findall(r"^UV_VERSION := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for room in ("api", "worker", "evaluator"):
        assert f"ARG UV_VERSION={version}\n" in (ROOT / room / "Dockerfile").read_text()
    assert f"EDGEPRESS_UV_VERSION:-{version}" in COMPOSE

"""Templates of jobs: each is a spec that the gateway plans, once what only its user knows is filled in."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgepress_api.job_templates.reading import list_templates
from edgepress_client import Client
from edgepress_common.answers.templates import JobTemplate
from fakes.gateway_app import JSON, YAML, GatewayApp, sqlite_gateway
from fakes.keras_files import keras_file

TEMPLATES = {template.name: template for template in list_templates().templates}
IMAGE_SIDE = 32  # and ten classes, as the network of `keras_file` has


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway with one device."""
    return sqlite_gateway(tmp_path)


def unknown_fields(template: JobTemplate) -> dict[str, str]:
    """Return the fields that only the user knows, with the resource that has them: an upload without its SHA-256."""
    found = {}
    for part, resource in (("dataset", "datasets"), ("model", "models")):
        given: Any = template.spec[part]
        if "upload" in (given.get("kind"), str(given.get("architecture"))[:6]) and "sha256" not in given:
            found[part] = resource
    return found


def filled(gateway: GatewayApp, template: JobTemplate) -> dict[str, Any]:
    """Return the spec with an archive and a network of a user's own."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(10):
            archive.writestr(f"class {number}/1.png", str(number))
    uploads = {"datasets": content.getvalue(), "models": keras_file()}
    spec: dict[str, Any] = dict(template.spec)
    for part, resource in unknown_fields(template).items():
        headers = {"Content-Type": "application/zip"}
        answer = gateway.client.post(f"/v1/{resource}?name=mine", content=uploads[resource], headers=headers)
        assert answer.status_code in {200, 201}, answer.text
        spec[part] = spec[part] | {"sha256": answer.json()["sha256"]}
    if "model" in unknown_fields(template):
        spec["dataset"] = spec["dataset"] | {"image_size": IMAGE_SIDE}
    return spec


def test_templates_are_listed_in_their_order(gateway: GatewayApp) -> None:
    """With text and data of the same spec; titles and summaries are those of the files."""
    listed = gateway.client.get("/v1/templates").json()["templates"]
    assert [each["name"] for each in listed] == [*TEMPLATES]
    assert listed[0]["name"] == "first-look"
    assert len({each["title"] for each in listed}) == len(listed) >= 4
    for each in listed:
        assert yaml.safe_load(each["text"]) == each["spec"]
        assert each["summary"].endswith(".")
        assert re.search(r"\. [A-Z]", each["summary"]) is None, "one sentence"


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_planned(gateway: GatewayApp, name: str) -> None:
    """Spec and planner accept it: the plan has steps, on the device that there is."""
    spec = filled(gateway, TEMPLATES[name])
    preview = gateway.client.post("/v1/jobs?validate_only=true", json=spec)
    assert preview.status_code == 200, preview.text
    assert len(preview.json()["plan"]["steps"]) >= 4
    assert ("search" in spec) == (preview.json().get("search") is not None)


@pytest.mark.parametrize("name", TEMPLATES)
def test_only_uploads_are_left_to_the_user(gateway: GatewayApp, name: str) -> None:
    """The text lacks nothing else, and a comment says how to fill it in."""
    template = TEMPLATES[name]
    answer = gateway.client.post("/v1/jobs?validate_only=true", content=template.text, headers=YAML)
    unknown = [f"{part}.sha256" for part in unknown_fields(template)]
    if not unknown:
        assert answer.status_code == 200, answer.text
        return
    assert [(each["field"], each["message"]) for each in answer.json()["errors"]] == [
        (field, "is required") for field in unknown
    ]
    assert template.text.count("# sha256: ") == len(unknown)


def test_the_client_lists_templates_and_posts_one(gateway: GatewayApp) -> None:
    """A script uses the SDK."""
    with Client("http://127.0.0.1", transport=gateway.client._transport) as client:
        first = client.catalogue.templates()[0]
    assert first == TEMPLATES["first-look"]
    posted = gateway.client.post("/v1/jobs", json=first.spec, headers=JSON)
    assert posted.status_code == 202, posted.text

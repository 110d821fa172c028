"""The conventions of HTTP: request ids, HEAD, ETags, compression, encodings, query parameters, CORS."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.gateway_app import JSON, YAML, GatewayApp, spec_json, sqlite_gateway


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def test_every_answer_has_a_request_id(gateway: GatewayApp) -> None:
    """It is the client's id if that is a short plain word, else a new one; problems repeat it."""
    first, second = (gateway.client.get("/v1/jobs").headers["x-request-id"] for _ in range(2))
    assert first != second
    problem = gateway.client.get("/v1/jobs/job-1", headers={"X-Request-ID": "my-1"})
    assert (problem.headers["x-request-id"], problem.json()["request_id"]) == ("my-1", "my-1")
    forged = gateway.client.get("/v1/jobs", headers={"X-Request-ID": "a b" * 100})
    assert len(forged.headers["x-request-id"]) == 32


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/methods", "/openapi.json", "/", "/health/ready", "/v1/jobs/job-1"])
def test_head_is_get_without_content(gateway: GatewayApp, path: str) -> None:
    """It has the status and the headers of GET."""
    headers = {"X-Request-ID": "same"}
    head, get = gateway.client.head(path, headers=headers), gateway.client.get(path, headers=headers)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers == get.headers


def test_head_of_events_ends(gateway: GatewayApp) -> None:
    """It ends though the stream of an active job does not."""
    job_id = gateway.submit()
    head = gateway.client.head(f"/v1/jobs/{job_id}/events")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")


def test_a_client_that_polls_is_told_that_nothing_has_changed(gateway: GatewayApp) -> None:
    """304 without content as long as the answer is the same; the pause until the next question is repeated."""
    job_id = gateway.submit()
    first = gateway.client.get(f"/v1/jobs/{job_id}")
    known = {"If-None-Match": f'"other", {first.headers["etag"]}'}
    again = gateway.client.get(f"/v1/jobs/{job_id}", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["retry-after"] == first.headers["retry-after"]

    gateway.client.post(f"/v1/jobs/{job_id}/cancel")
    changed = gateway.client.get(f"/v1/jobs/{job_id}", headers=known)
    assert (changed.status_code, changed.json()["state"]) == (200, "cancelled")


def test_large_answers_are_compressed(gateway: GatewayApp) -> None:
    """Compression depends on Accept-Encoding; artifacts are never compressed, since ranges count their own bytes."""
    plain = gateway.client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    packed = gateway.client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 4
    assert packed.json() == plain.json()
    stored = gateway.store.put_bytes(b"0" * 100_000)
    artifact = gateway.client.get(f"/v1/artifacts/{stored.sha256}", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in artifact.headers


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (JSON | {"Content-Encoding": "gzip"}, "Content-Encoding 'gzip'"),
        ({"Content-Type": "application/json; charset=latin-1"}, "charset 'latin-1'"),
    ],
)
def test_a_body_in_another_encoding_is_refused(gateway: GatewayApp, headers: dict[str, str], said: str) -> None:
    """The status is 415; the error names the encoding and what is accepted."""
    refused = gateway.client.post("/v1/jobs", content=spec_json(), headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert said in refused.json()["detail"]
    accepted = {"Content-Type": 'application/json; charset="UTF-8"'}
    assert gateway.client.post("/v1/jobs", content=spec_json(), headers=accepted).status_code == 202


@pytest.mark.parametrize("path", ["/v1/jobs?state=failed&state=queued", "/v1/jobs?page_size=1&page_size=1"])
def test_a_repeated_parameter_is_refused(gateway: GatewayApp, path: str) -> None:
    """Rather than all but one ignored; a list is given by repeating it."""
    refused = gateway.client.get(path)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-request")
    assert "is given 2 times" in refused.json()["detail"]
    jobs = [gateway.finished_job(name=name) for name in ("a", "b")]
    assert gateway.client.get("/v1/comparison", params={"job": jobs}).status_code == 200


def test_a_page_token_belongs_to_its_filter(gateway: GatewayApp) -> None:
    """The pages of a listing follow one another; the token of another filter is refused."""
    names = ["a", "b", "c"]
    for name in names:
        gateway.submit(name=name, training={"epochs": len(name)})
    seen, token = [], None
    for _ in names:
        parameters = {"page_size": 1, "state": "queued"} | ({"page_token": token} if token else {})
        page = gateway.client.get("/v1/jobs", params=parameters).json()
        seen += [job["name"] for job in page["jobs"]]
        token, last = page["next_page_token"], token
    assert (seen, token) == (["c", "b", "a"], None)
    assert last is not None
    refused = gateway.client.get("/v1/jobs", params={"page_size": 1, "state": "failed", "page_token": last})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "page_token")
    for wrong in (f"{last}x", f" {last}", last[:-1], f"{last[:4]}\n{last[4:]}"):
        refused = gateway.client.get("/v1/jobs", params={"page_size": 1, "state": "queued", "page_token": wrong})
        assert refused.status_code == 422


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dataset": {"kind": "builtin", "image_size": "32"}}, "dataset.image_size"),
        ({"training": {"epochs": "2"}}, "training.epochs"),
        ({"training": {"epochs": True}}, "training.epochs"),
        ({"evaluation": {"full_pass": "yes"}}, "evaluation.full_pass"),
    ],
)
def test_text_is_not_a_number(gateway: GatewayApp, changes: dict[str, Any], field: str) -> None:
    """A value of another type is refused, not converted."""
    refused = gateway.client.post("/v1/jobs", json=json.loads(spec_json()) | changes)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]


def test_a_number_in_yaml_needs_no_point(gateway: GatewayApp) -> None:
    """``1e-3`` is a number, as in YAML 1.2."""
    spec = json.loads(spec_json())
    text = json.dumps(spec | {"training": {"epochs": 2, "learning_rate": "RATE"}}).replace('"RATE"', "1e-3")
    posted = gateway.client.post("/v1/jobs", content=text, headers=YAML)
    assert posted.status_code == 202
    shown = gateway.client.get(f"/v1/jobs/{posted.json()['id']}/spec").json()
    assert shown["training"]["learning_rate"] == 1e-3


@pytest.mark.parametrize("text", ["896e44e10debbce1d795f0af", "5e3-run", "1e5_2", "-2e1x"])
def test_text_that_begins_like_a_number_is_text(gateway: GatewayApp, text: str) -> None:
    """One SHA-256 in fifteen begins with digits, e and digits."""
    body = json.dumps(json.loads(spec_json()) | {"name": "NAME"}).replace('"NAME"', text)
    posted = gateway.client.post("/v1/jobs", content=body, headers=YAML)
    assert posted.status_code == 202, posted.text
    assert posted.json()["name"] == text


def test_an_error_is_short_even_for_a_long_key(gateway: GatewayApp) -> None:
    """An unknown field of 100,000 characters is not repeated in full."""
    refused = gateway.client.post("/v1/jobs", json=json.loads(spec_json()) | {"x" * 100_000: 1})
    assert refused.status_code == 422
    assert len(refused.content) < 5000


def test_pages_of_other_origins_may_use_the_api_if_the_server_says_so(gateway: GatewayApp) -> None:
    """They need a token, as any client does; without the setting no CORS header is sent."""
    asked = {"Origin": "https://lab.example.org", "Access-Control-Request-Method": "GET"}
    assert "access-control-allow-origin" not in gateway.client.options("/v1/jobs", headers=asked).headers
    settings = gateway.adapters.settings.model_copy(update={"cors_origins": ("https://lab.example.org",)})
    client = gateway.client_of(replace(gateway.adapters, settings=settings))
    preflight = client.options("/v1/jobs", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://lab.example.org"
    other = client.options("/v1/jobs", headers=asked | {"Origin": "https://elsewhere.example.org"})
    assert "access-control-allow-origin" not in other.headers

"""Uploaded Keras models over HTTP: stored, listed, used in a spec, and refused if they contain more than layers."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from edgepress_api.access.principal import Principal
from edgepress_api.access.quotas import bytes_left
from edgepress_api.garbage_collection.unreferenced_artifacts import remove_unreferenced_artifacts
from fakes.gateway_app import JSON, GatewayApp, spec_json, sqlite_gateway
from fakes.keras_files import image, keras_file, layer, sequential, small_cnn

KERAS = {"Content-Type": "application/vnd.keras"}
MODEL = keras_file()


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def _upload(client: TestClient, content: bytes = MODEL, name: str = "mine") -> dict[str, object]:
    response = client.post(f"/v1/models?name={name}", content=content, headers=KERAS)
    assert response.status_code in {200, 201}, response.text
    found: dict[str, object] = response.json()
    return found


def _problems(client: TestClient, **changes: object) -> list[tuple[str, str]]:
    response = client.post("/v1/jobs", content=spec_json(**changes), headers=JSON)
    assert response.status_code == 422, response.text
    return [(error["field"], error["message"]) for error in response.json()["errors"]]


def test_an_upload_can_be_used_in_a_spec(gateway: GatewayApp) -> None:
    """The answer contains the source to use in a spec and the scale of pixels; the report names the network."""
    response = gateway.client.post("/v1/models?name=mine", content=MODEL, headers=KERAS)
    assert response.status_code == 201
    assert gateway.client.get(response.headers["location"]).json() == response.json()
    assert gateway.client.get("/v1/models").json() == {"models": [response.json()], "next_page_token": None}
    assert {
        key: response.json()[key] for key in ("image_size", "classes", "ends_in", "scales_pixels", "layers", "owner")
    } == {
        "image_size": 32, "classes": 10, "ends_in": "probabilities", "scales_pixels": False, "layers": 3,
        "owner": "local",
    }  # fmt: skip

    model = response.json()["model"] | {"pixels": "0_to_1"}
    job_id = gateway.finished_job(model=model, training={"epochs": 0})

    report = gateway.client.get(f"/v1/jobs/{job_id}/report").json()
    sha256 = response.json()["sha256"]
    assert report["pipelines"][0]["stages"] == [f"train the uploaded {sha256[:12]}, 0 epochs"]


def test_uploading_again_says_that_it_is_there(gateway: GatewayApp) -> None:
    """The status is 200, and the answer has its name."""
    first = _upload(gateway.client)
    again = gateway.client.post("/v1/models?name=other", content=MODEL, headers=KERAS)
    assert (again.status_code, again.json()) == (200, first)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\x89HDF\r\n\x1a\nold", ".h5"),
        (keras_file(small_cnn(layer("Lambda", "evil", function="anything"))), "'Lambda' layer"),
        (keras_file(others={"../evil.py": b""}), "../evil.py"),
    ],
)
def test_a_model_with_anything_else_in_it_is_refused_and_forgotten(
    gateway: GatewayApp, content: bytes, words: str
) -> None:
    """The error says what was found and what is accepted. No model is listed, and the bytes are garbage-collected."""
    response = gateway.client.post("/v1/models?name=x", content=content, headers=KERAS)

    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-request"), response.text
    assert words in response.json()["detail"]
    assert "accepted:" in response.json()["detail"]
    assert gateway.client.get("/v1/models").json()["models"] == []
    remove_unreferenced_artifacts(gateway.database, gateway.store, gateway.now + timedelta(days=3650))
    assert list(gateway.store.list_artifacts()) == []


def test_garbage_collection_keeps_uploaded_models(gateway: GatewayApp) -> None:
    """A listed model stays, since later jobs may use it."""
    uploaded = _upload(gateway.client)
    remove_unreferenced_artifacts(gateway.database, gateway.store, gateway.now + timedelta(days=3650))
    assert [each.sha256 for each in gateway.store.list_artifacts()] == [uploaded["sha256"]]


def test_other_bodies_are_refused_by_their_type_and_size(gateway: GatewayApp) -> None:
    """They are refused before they are parsed."""
    wrong = gateway.client.post("/v1/models?name=x", content=MODEL, headers={"Content-Type": "text/x-python"})
    large = gateway.client.post("/v1/models?name=x", content=MODEL + bytes(100_000), headers=KERAS)
    assert (wrong.status_code, large.status_code) == (415, 413)
    assert "application/vnd.keras" in wrong.json()["detail"]


def test_what_does_not_fit_the_spec_is_said_at_once(gateway: GatewayApp) -> None:
    """Images of another size, pixels scaled twice, `pixels` missing, a model that has not been uploaded."""
    scaling = _upload(gateway.client, keras_file(small_cnn(layer("ReLU", "last"), side=64)))["model"]
    assert isinstance(scaling, dict)
    ours = scaling | {"pixels": "0_to_255"}
    assert _problems(gateway.client, model=ours) == [
        ("dataset.image_size", "the uploaded model 'mine' takes images of 64 pixels")
    ]
    own = [{"name": "base", "exports": ["float32"], "stages": [{"kind": "train", "model": ours}]}]
    assert [field for field, _ in _problems(gateway.client, pipelines=own)] == ["dataset.image_size"]
    content = gateway.client.post("/v1/jobs", content=_with_model(scaling), headers=JSON).json()
    assert (content["errors"][0]["field"], content["errors"][0]["message"]) == ("model.pixels", "is required")
    assert "0_to_255" in content["errors"][0]["accepted"]
    nobodys = {"architecture": "uploaded", "sha256": "a" * 64, "pixels": "0_to_1"}
    assert _problems(gateway.client, model=nobodys) == [("model.sha256", "has not been uploaded")]


def _with_model(model: object) -> bytes:
    return json.dumps(json.loads(spec_json()) | {"model": model}).encode()


def test_pixels_that_the_model_scales_itself_are_not_scaled_twice(gateway: GatewayApp) -> None:
    """Its first layer shows it."""
    dense = layer("Dense", "dense", units=10)
    scaling = sequential(
        image(), layer("Rescaling", "scale", scale=1 / 255, offset=0.0), layer("Flatten", "flat"), dense
    )
    model = _upload(gateway.client, keras_file(scaling))["model"]
    assert isinstance(model, dict)
    assert [field for field, _ in _problems(gateway.client, model=model | {"pixels": "0_to_1"})] == ["model.pixels"]
    assert gateway.submit(model=model | {"pixels": "0_to_255"})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"training": {"epochs": 0}}, "training.epochs"),
        ({"training": {"epochs": 0}, "pipelines": "quick", "model": "uploaded"}, "training.epochs"),
        ({"pipelines": [{"name": "d", "exports": ["int8"], "stages": [
            {"kind": "distill", "training": {"epochs": 0}}]}]}, "pipelines[0].stages[0].training.epochs"),
    ],
)  # fmt: skip
def test_only_an_uploaded_model_can_do_without_an_epoch(
    gateway: GatewayApp, changes: dict[str, object], field: str
) -> None:
    """A stage must set initial weights for a network of the catalogue, and for a student of distillation."""
    if changes.get("model") == "uploaded":
        model = _upload(gateway.client)["model"]
        assert isinstance(model, dict)
        changes = changes | {"model": model | {"pixels": "0_to_1"}}
    body = json.dumps(json.loads(spec_json()) | changes).encode()

    response = gateway.client.post("/v1/jobs", content=body, headers=JSON)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_a_users_models_are_theirs_alone(gateway: GatewayApp) -> None:
    """Another user gets Not found in lists, by name, as bytes and in a spec; it counts as storage of its owner."""
    anna, ben = (gateway.client_as(user, "read", "submit") for user in ("anna", "ben"))
    model = _upload(anna)
    sha256 = model["sha256"]
    for client, seen in ((anna, 200), (ben, 404)):
        assert client.get(f"/v1/models/{sha256}").status_code == seen
        assert client.get(f"/v1/artifacts/{sha256}").status_code == seen
        assert len(client.get("/v1/models").json()["models"]) == (seen == 200)
    stolen = {"architecture": "uploaded", "sha256": sha256, "pixels": "0_to_1"}
    assert _problems(ben, model=stolen) == [("model.sha256", "has not been uploaded")]
    assert anna.post("/v1/jobs", content=spec_json(model=stolen), headers=JSON).status_code == 202
    who = Principal(user="anna", scopes=frozenset({"submit"}), max_bytes=100_000)
    with gateway.database.read() as session:
        assert bytes_left(session, who) == 100_000 - len(MODEL)

"""What can be asked for, as it is published."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from edgepress_common.architectures import ARCHITECTURES
from edgepress_common.spec import EXPORTS, METHODS, Export, Stage
from fakes.gateway_app import GatewayApp, sqlite_gateway


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def test_every_method_and_export_is_listed_with_its_parameters(gateway: GatewayApp) -> None:
    """In the schema, a name is what a spec can say, and a default is what saying nothing gives."""
    stages: TypeAdapter[object] = TypeAdapter(Stage)
    exports: TypeAdapter[object] = TypeAdapter(Export)
    for name, registry, adapter in (("methods", METHODS, stages), ("exports", EXPORTS, exports)):
        listed = gateway.client.get(f"/v1/{name}").json()[name]
        assert [each["kind"] for each in listed] == list(registry)
        for each in listed:
            described = {key: value for key, value in each.items() if key != "parameters"}
            assert described == registry[each["kind"]].model_dump(exclude={"parameters"})
            defaults = adapter.dump_python(adapter.validate_python({"kind": each["kind"]}), mode="json")
            properties = each["parameters"]["properties"]
            assert {field: value.get("default") for field, value in properties.items()} == defaults
            with pytest.raises(ValidationError):
                adapter.validate_python({"kind": each["kind"], "no_such_parameter": 1})


def test_every_export_can_be_told_how_to_store_zeros(gateway: GatewayApp) -> None:
    """By itself it takes what makes the smaller file."""
    for each in gateway.client.get("/v1/exports").json()["exports"]:
        encoding = each["parameters"]["properties"]["encoding"]
        assert (encoding["enum"], encoding["default"]) == (["smallest", "dense", "sparse"], "smallest")


def test_every_architecture_is_listed_with_what_it_takes(gateway: GatewayApp) -> None:
    """Under the name that a spec asks for it by."""
    listed = gateway.client.get("/v1/architectures").json()["architectures"]
    assert [each["name"] for each in listed] == list(ARCHITECTURES)
    assert all(each["paper"] and each["min_image_size"] and each["widths"] for each in listed)

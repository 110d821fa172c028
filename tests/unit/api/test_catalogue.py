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
    for path, key, registry, type_ in (
        ("methods", "methods", METHODS, Stage),
        ("exports", "exports", EXPORTS, Export),
    ):
        adapter: TypeAdapter[object] = TypeAdapter(type_)
        listed = gateway.client.get(f"/v1/{path}").json()[key]
        assert [each["kind"] for each in listed] == list(registry)
        for each in listed:
            assert each["summary"]
            defaults = adapter.dump_python(adapter.validate_python({"kind": each["kind"]}), mode="json")
            properties = each["parameters"]["properties"]
            assert {name: value.get("default") for name, value in properties.items()} == defaults
            with pytest.raises(ValidationError):
                adapter.validate_python({"kind": each["kind"], "no_such_parameter": 1})


def test_every_architecture_is_listed_with_what_it_takes(gateway: GatewayApp) -> None:
    """Under the name that a spec asks for it by."""
    listed = gateway.client.get("/v1/architectures").json()["architectures"]
    assert [each["name"] for each in listed] == list(ARCHITECTURES)
    assert all(each["paper"] and each["min_image_size"] and each["widths"] for each in listed)

"""The published catalogue of methods, exports and networks."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from edgepress_common.architectures import ARCHITECTURES
from edgepress_common.spec import EXPORTS, METHODS, Export, Stage
from fakes.gateway_app import GatewayApp, sqlite_gateway


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway."""
    return sqlite_gateway(tmp_path)


def test_every_method_and_export_is_listed_with_its_parameters(gateway: GatewayApp) -> None:
    """In the schema, a name is one that a spec can contain, and a default is the effective value."""
    stages: TypeAdapter[Any] = TypeAdapter(Stage)
    exports: TypeAdapter[Any] = TypeAdapter(Export)
    for name, registry, adapter in (("methods", METHODS, stages), ("exports", EXPORTS, exports)):
        listed = gateway.client.get(f"/v1/{name}").json()[name]
        assert [each["kind"] for each in listed] == list(registry)
        for each in listed:
            declared = registry[each["kind"]]
            for key in each.keys() - {"parameters"}:
                value = getattr(declared, key)
                assert each[key] == (list(value) if key in {"gives", "promises"} else value)
            properties = each["parameters"]["properties"]
            smallest = adapter.validate_python({"kind": each["kind"]})
            defaults = {field: to_jsonable_python(getattr(smallest, field)) for field in properties}
            assert {field: value.get("default") for field, value in properties.items()} == defaults
            with pytest.raises(ValidationError):
                adapter.validate_python({"kind": each["kind"], "no_such_parameter": 1})


def test_every_export_has_an_option_for_zeros(gateway: GatewayApp) -> None:
    """The default is the encoding with the smaller file."""
    for each in gateway.client.get("/v1/exports").json()["exports"]:
        encoding = each["parameters"]["properties"]["encoding"]
        assert (encoding["enum"], encoding["default"]) == (
            ["smallest", "smallest_to_send", "dense", "sparse"],
            "smallest",
        )


def test_every_architecture_is_listed_with_what_it_takes(gateway: GatewayApp) -> None:
    """The name is the one that a spec contains."""
    listed = gateway.client.get("/v1/architectures").json()["architectures"]
    assert [each["name"] for each in listed] == list(ARCHITECTURES)
    assert all(each["paper"] and each["min_image_size"] and each["widths"] for each in listed)

"""The evaluator's settings."""

import pytest
from pydantic import TypeAdapter, ValidationError

from edgepress_common.devices import DeviceName
from edgepress_evaluator.settings import EvaluatorSettings, default_device_name


@pytest.mark.parametrize(
    ("hostname", "name"),
    [
        ("raspberrypi", "raspberrypi"),
        ("Pi4.Lab.Example", "pi4.lab.example"),
        ("Anna's Pi", "anna-s-pi"),
        ("_x", "x"),
        ("---", "device"),
        ("any", "device"),
        ("日本", "device"),
        ("p" * 100, "p" * 63),
    ],
)
def test_hosts_name_becomes_a_devices(hostname: str, name: str) -> None:
    """Always one that the gateway accepts."""
    assert default_device_name(hostname) == name
    TypeAdapter(DeviceName).validate_python(name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "any"},
        {"device": "Capital"},
        {"gateway": "gateway:8000"},
        {"labels": ("Not a label",)},
        {"wait_seconds": 0},
    ],
)
def test_wrong_setting_is_refused(wrong: dict[str, object]) -> None:
    """It is refused before the first request."""
    with pytest.raises(ValidationError):
        EvaluatorSettings.model_validate(wrong)

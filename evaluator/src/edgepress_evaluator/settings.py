"""The evaluator's settings: from the environment with the prefix ``EDGEPRESS_``, else from the file of ``join``."""

import re
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from edgepress_common.devices import DeviceName, Label
from edgepress_common.settings import MachineSettings
from edgepress_evaluator.stored_settings import StoredSettings

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9._-]+")
_NAME_LENGTH = 63


def default_device_name(hostname: str) -> str:
    """Return the host name as a device name: in lower case, with dashes for characters that are not allowed."""
    name = _NOT_IN_A_NAME.sub("-", hostname.lower()).lstrip("._-")[:_NAME_LENGTH]
    return name if name not in {"", "any"} else "device"


def _not_any(name: str) -> str:
    if name == "any":
        raise ValueError("'any' selects any device; accepted: a name of this device")
    return name


class EvaluatorSettings(MachineSettings):
    """Settings of the evaluator."""

    gateway: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://", description="URL of the gateway.")
    tls_authority: Path | None = Field(
        default=None,
        description="PEM file of the private authority that signed the gateway's certificate, or of a self-signed one.",
    )
    token: SecretStr | None = Field(
        default=None, description="Token of this device, created by 'edgepress tokens create --device NAME'."
    )
    device: Annotated[DeviceName, AfterValidator(_not_any)] = Field(
        default_factory=lambda: default_device_name(socket.gethostname()), description="Name of the device."
    )
    labels: tuple[Label, ...] = Field(
        default=(),
        description="Labels by which jobs can select this device, as a JSON list; labels such as arm64 and rpi4 are "
        "added automatically.",
    )
    shares_cpu: bool = Field(
        default=False, description="Whether workers may run on this machine; they then rest while it measures."
    )
    emulated: bool | None = Field(
        default=None, description="Whether the processor is emulated; detected if possible, otherwise set it."
    )
    evaluator_cache: Path = Field(default=Path(".edgepress/evaluator"), description="Folder for downloaded artifacts.")
    evaluator_cache_bytes: int = Field(
        default=4 << 30,
        ge=0,
        description="Maximum size of that folder in bytes, not counting the files of the current evaluation.",
    )
    machine_lock: Path = Field(
        default=Path("/run/lock/edgepress"),
        description="Folder that evaluators of this machine lock while they measure: one at a time.",
    )
    power_sensor: str = Field(
        default="auto",
        description="Sensor of the energy that specs can ask for: auto, pmic (Raspberry Pi 5), rapl (PCs), or the name "
        "of a hwmon device such as ina219.",
    )
    wait_seconds: float = Field(
        default=20, ge=1, le=300, description="Maximum time that a lease request waits for an evaluation, in seconds."
    )
    python_command: tuple[str, ...] = Field(
        default=(sys.executable,),
        min_length=1,
        description="Command that starts Python, as a JSON list; for an emulator that must be named explicitly.",
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource, **named: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources of settings, by precedence: the file of ``join`` is the last. See `BaseSettings`."""
        return (
            *super().settings_customise_sources(settings_cls, *sources, **named),
            StoredSettings(settings_cls),
        )

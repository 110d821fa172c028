"""The evaluator's settings, read from the environment with the prefix ``EDGEPRESS_``."""

import re
import socket
import sys
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from edgepress_common.devices import DeviceName, Label
from edgepress_common.settings import BaseEdgepressSettings

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9._-]+")
_NAME_LENGTH = 63


def default_device_name(hostname: str) -> str:
    """The host's name as a device's: lower case, with a dash for whatever such a name can't have."""
    name = _NOT_IN_A_NAME.sub("-", hostname.lower()).lstrip("._-")[:_NAME_LENGTH]
    return name if name not in {"", "any"} else "device"


def _not_any(name: str) -> str:
    if name == "any":
        raise ValueError("'any' stands for whichever device is free; accepted: a name of its own")
    return name


class EvaluatorSettings(BaseEdgepressSettings):
    """Which gateway an evaluator works for, and as what."""

    gateway: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://", description="The gateway's address.")
    token: SecretStr | None = Field(
        default=None, description="Made by 'edgepress tokens create --device NAME', for this device."
    )
    device: Annotated[DeviceName, AfterValidator(_not_any)] = Field(
        default_factory=lambda: default_device_name(socket.gethostname()), description="The device's name."
    )
    labels: tuple[Label, ...] = Field(
        default=(), description="What jobs may ask for in place of the name, as a JSON list; arm64, rpi4 and the like "
        "are found out."
    )  # fmt: skip
    shares_cpu: bool = Field(default=False, description="Whether workers run on the same processors.")
    emulated: bool | None = Field(
        default=None, description="Whether another processor is imitated; found out where it can be, else say it."
    )
    evaluator_cache: Path = Field(default=Path(".edgepress/evaluator"), description="Where fetched artifacts are kept.")
    evaluator_cache_bytes: int = Field(
        default=4 << 30, ge=0, description="Kept at most, beside what the evaluation under way needs."
    )
    wait_seconds: float = Field(default=20, ge=1, le=300, description="How long one question for work may stand.")
    python_command: tuple[str, ...] = Field(
        default=(sys.executable,),
        min_length=1,
        description="Starts Python, as a JSON list: for an emulator that must be named.",
    )

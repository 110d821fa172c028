"""Devices and settings for measuring the exports."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from edgepress_common.frozen import Frozen

DeviceSelector = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class Evaluation(Frozen):
    """The measurement of every export."""

    devices: tuple[DeviceSelector, ...] = Field(
        default=("any",),
        min_length=1,
        max_length=50,
        description="Names or labels of devices (GET /v1/devices); 'any' selects the first free device.",
    )
    threads: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(
        default=(1,), min_length=1, max_length=8, description="Numbers of interpreter threads to measure."
    )
    warmup_runs: int = Field(default=10, ge=0, le=1000, description="Inferences that are not timed, before the others.")
    runs: int = Field(default=50, ge=1, le=100_000, description="Minimum number of timed inferences per thread count.")
    full_pass: bool = Field(
        default=True,
        description="Time the entire validation set, one image at a time, for total_seconds. Otherwise, latency is "
        "measured on `runs` images, accuracy is computed on all cores in parallel, and total_seconds is empty.",
    )
    energy: bool = Field(
        default=False,
        exclude_if=lambda energy: not energy,
        description="Measure the energy of an image, where the device has a sensor: 20 seconds more for each number of "
        "threads.",
    )

    @model_validator(mode="after")
    def _no_repetition(self) -> Self:
        for name, values in (("devices", self.devices), ("threads", self.threads)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} contains duplicates: {', '.join(map(str, values))}; accepted: each once")
        return self

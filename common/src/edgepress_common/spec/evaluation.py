"""Where and how the exports are measured."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from edgepress_common.frozen import Frozen

DeviceSelector = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class Evaluation(Frozen):
    """The measurement that every export gets."""

    devices: tuple[DeviceSelector, ...] = Field(
        default=("any",),
        min_length=1,
        max_length=50,
        description="Names or labels of devices (GET /v1/devices); 'any' is whichever is free first.",
    )
    threads: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(
        default=(1,), min_length=1, max_length=8, description="Numbers of interpreter threads, each measured."
    )
    warmup_runs: int = Field(default=10, ge=0, le=1000, description="Inferences before the first that counts.")
    runs: int = Field(default=50, ge=1, le=100_000, description="Inferences timed at the least, per number of threads.")
    full_pass: bool = Field(
        default=True,
        description="Time the whole validation set, one image at a time, for total_seconds. Without it the latency is "
        "that of `runs` images, accuracy is found by all cores at once, and total_seconds is left empty.",
    )

    @model_validator(mode="after")
    def _no_repetition(self) -> Self:
        for name, values in (("devices", self.devices), ("threads", self.threads)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} names one twice: {', '.join(map(str, values))}; accepted: each once")
        return self

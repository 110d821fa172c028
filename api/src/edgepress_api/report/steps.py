"""A job's steps, as far as a report is concerned; no database is known here."""

from collections.abc import Mapping
from dataclasses import dataclass

from edgepress_common.messages import StepFailure
from edgepress_common.results import StepResult
from edgepress_common.steps import Role, StageStep, StepKey, StepParameters

BASE_METHOD = "base"


@dataclass(frozen=True)
class ReportedStep:
    """A step.

    Attributes:
        result: What it found; None unless it succeeded.
        failure: Why it failed; None unless it did.
    """

    key: StepKey
    title: str
    parameters: StepParameters
    inputs: Mapping[Role, StepKey]
    result: StepResult | None
    failure: StepFailure | None


@dataclass(frozen=True)
class ReportedPipeline:
    """A pipeline and its steps, in an order in which they can run."""

    name: str
    steps: tuple[ReportedStep, ...]

    @property
    def method(self) -> str:
        """What it does to the network: its stages, apart from the training that all begin with."""
        kinds = [step.parameters.stage.kind for step in self.steps if isinstance(step.parameters, StageStep)]
        return "+".join(kind for kind in kinds if kind != "train") or BASE_METHOD

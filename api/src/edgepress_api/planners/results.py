"""Results of a job's pipelines so far: the second argument of `Planner.propose`."""

from edgepress_common.answers.job_list import JobState
from edgepress_common.answers.jobs import StepState
from edgepress_common.frozen import Frozen
from edgepress_common.results import EvaluationResult, ExportResult
from edgepress_common.spec import Export
from edgepress_common.trial import Trial


class EvaluationOutcome(Frozen):
    """An export on a device.

    Attributes:
        device: Name of the device, or ``any``.
        state: State of the evaluation's step.
        result: The measurement, without the test split; None unless the step succeeded.
    """

    device: str
    state: StepState
    result: EvaluationResult | None


class ExportOutcome(Frozen):
    """An export of a pipeline, with its evaluations in the order of the job's devices.

    Attributes:
        export: The export and its parameters.
        state: State of the export's step.
        result: Size and contents of the file; None unless the step succeeded.
        evaluations: One for each device.
    """

    export: Export
    state: StepState
    result: ExportResult | None
    evaluations: tuple[EvaluationOutcome, ...]


class PipelineResult(Frozen):
    """A pipeline of the job, with its exports in the order of the pipeline.

    Attributes:
        trial: What the search recorded when it proposed the pipeline; None for a pipeline of the spec.
        seconds: Duration of the steps that no earlier pipeline of the job has, without those from before the job.
    """

    name: str
    state: JobState
    exports: tuple[ExportOutcome, ...]
    trial: Trial | None = None
    seconds: float = 0.0

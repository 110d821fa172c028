"""The two tables of the study beside its comparison, widened to every pipeline.

Predic et al. 2022, doi:10.3390/axioms11050229: Table 1 is the accuracy of its network in each export, Table 2 the mean
time of an epoch of each method.
"""

from edgepress_common.frozen import Frozen
from edgepress_common.spec import ExportKind, StageKind
from edgepress_common.steps import StepKey


class ExportAccuracy(Frozen):
    """Share of the validation images that a .tflite file classifies right."""

    export: ExportKind
    accuracy: float


class AccuracyByExport(Frozen):
    """What a pipeline's model loses by each way to write it: post-training quantization, for the most part.

    Of a pipeline whose method is ``base``, this is the study's Table 1.

    Attributes:
        pipeline: Its name.
        method: As in the comparison.
        device: Where the files were measured.
        keras_accuracy: Of the model before it is exported, over the same images.
        exports: Of each of its files that has been measured, in the order of the spec.
    """

    pipeline: str
    method: str
    device: str
    keras_accuracy: float
    exports: tuple[ExportAccuracy, ...]


class SecondsPerEpoch(Frozen):
    """What an epoch of a stage takes: the study's Table 2, an entry for each stage that was run.

    Times are of the machine that ran the stage when it was run. A stage that was found done was timed then.

    Attributes:
        step_key: Its step.
        method: What had been done to the job's network after it, as in the comparison: ``prune + cluster`` is the
            clustering of a pruned network.
        stage: Its kind.
        summary: The stage with what tells it from others.
        architecture: The network that was trained.
        pipelines: The pipelines that share it.
        epochs: How many there were.
        seconds: Mean over them without the first, in which the program is compiled; where there is one alone, its own.
        times_plain_training: The same as a multiple of plain training of the job's own network; None until that has
            succeeded.
    """

    step_key: StepKey
    method: str
    stage: StageKind
    summary: str
    architecture: str
    pipelines: tuple[str, ...]
    epochs: int
    seconds: float
    times_plain_training: float | None

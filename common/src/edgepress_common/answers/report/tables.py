"""The two other tables of the study, for all pipelines.

Predic et al. 2022, doi:10.3390/axioms11050229: Table 1 is the accuracy of its network in each export, Table 2 the mean
duration of an epoch of each method.
"""

from edgepress_common.answers.report.rows import OverSeeds
from edgepress_common.frozen import MaybeUnknown, Message
from edgepress_common.spec import ExportKind, StageKind
from edgepress_common.steps import StepKey


class ExportAccuracy(Message):
    """Accuracy of a .tflite file: the share of the validation images that it classifies correctly."""

    export: MaybeUnknown[ExportKind]
    accuracy: float


class AccuracyByExport(Message):
    """Accuracy of a pipeline's model in each export, mainly the loss by post-training quantization.

    For the pipeline with the method ``base``, this is the study's Table 1.

    Attributes:
        pipeline: Name of the pipeline.
        method: Methods applied to the job's network, as in the comparison.
        device: Device that measured the files.
        keras_accuracy: Accuracy of the model before the export, on the same images.
        exports: Accuracy of each measured file, in the order of the spec.
    """

    pipeline: str
    method: str
    device: str
    keras_accuracy: float
    exports: tuple[ExportAccuracy, ...]


class SecondsPerEpoch(Message):
    """Duration of an epoch of a finished stage: an entry of the study's Table 2.

    Durations are those of the machine that ran the stage. A reused stage has the duration of its original run.

    Attributes:
        step_key: Key of the step.
        method: Methods applied to the job's network, including this stage, as in the comparison: ``prune + cluster`` is
            the clustering of a pruned network.
        stage: Kind of the stage.
        summary: Summary of the stage.
        architecture: Architecture of the network.
        pipelines: Names of the pipelines that share the stage.
        epochs: Number of epochs.
        seconds: Mean duration of an epoch in seconds, without the time to compile the network.
        times_plain_training: Duration relative to plain training of the job's own network; None until that has
            succeeded.
        compile_seconds: Time to compile the network, once for each attempt; None in results that are older.
        preparation_seconds: Time before the first epoch, for a teacher's predictions or initial clusters; None in
            results that are older.
    """

    step_key: StepKey
    method: str
    stage: MaybeUnknown[StageKind]
    summary: str
    architecture: str
    pipelines: tuple[str, ...]
    epochs: int
    seconds: float
    times_plain_training: float | None
    compile_seconds: float | None = None
    preparation_seconds: float | None = None


class RepeatedExport(Message):
    """An export of a pipeline over its seeds, on one device with one number of threads, compared with the baseline.

    Attributes:
        pipeline: Name of the pipeline in the spec.
        method: Methods applied to the job's network, as in the comparison.
        export: Kind of the export.
        device: Device that measured the files.
        threads: Interpreter threads.
        over_seeds: Its figures.
        against: The baseline that accuracies are compared with, seed by seed; None for the baseline itself, and where
            there is none.
        points_mean: Mean difference of the accuracy from that of the baseline, as a share; None without a baseline.
        points_std: Standard deviation of the difference between seeds.
        p_value: p-value of the paired t-test over seeds.
        words: The same in a sentence, which says whether the methods differ significantly.
    """

    pipeline: str
    method: str
    export: ExportKind
    device: str
    threads: int
    over_seeds: OverSeeds
    against: str | None
    points_mean: float | None
    points_std: float | None
    p_value: float | None
    words: str

"""The report of a job: its rows, tables, trainings and failures.

All ratios of a report refer to the same two baselines, which are part of it, so that rows can be compared with each
other as well. Both baselines are of the job's own network, trained and not compressed:

- ``float32_tflite`` is the float32 export of a pipeline that only trains that network. Without such an export, the
  report has no ratios to it: ratios to a file that is compressed already would be misleading.
- ``keras_with_optimizer`` is the Keras file of that training with the optimizer's state, as ``model.save`` writes it:
  the usual baseline of published compression factors.

If several pipelines train the network, the first one with the job's own settings is used, or else the first one.
"""

from edgepress_common.answers.report.records import (
    DatasetSummary,
    FailureRecord,
    MadeBy,
    PipelineRecord,
    Provenance,
    StepCost,
    TrainingRecord,
)
from edgepress_common.answers.report.report import Report
from edgepress_common.answers.report.rows import Baseline, Baselines, OverSeeds, Ratios, ReportRow, SizeRatios
from edgepress_common.answers.report.tables import AccuracyByExport, ExportAccuracy, RepeatedExport, SecondsPerEpoch

__all__ = [
    "AccuracyByExport",
    "Baseline",
    "Baselines",
    "DatasetSummary",
    "ExportAccuracy",
    "FailureRecord",
    "MadeBy",
    "OverSeeds",
    "PipelineRecord",
    "Provenance",
    "Ratios",
    "RepeatedExport",
    "Report",
    "ReportRow",
    "SecondsPerEpoch",
    "SizeRatios",
    "StepCost",
    "TrainingRecord",
]

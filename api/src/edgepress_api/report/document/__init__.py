"""What a report says: its rows, its tables, and what was trained and failed.

Ratios are against one baseline for the whole report, named and shown with it, so that rows can be compared with each
other as well as with it. Both baselines are of the job's own network, trained and not compressed:

- ``float32_tflite`` is the float32 export of a pipeline that does nothing but train that network. Where there is none,
  there are no ratios to it: against a file that is compressed already they would mislead.
- ``keras_with_optimizer`` is the Keras file of that training with the optimizer's state, as ``model.save`` writes it:
  what the published factors of compression are mostly against.

Where several pipelines train the network, the first that does so by the job's own settings is taken, else the first.
"""

from edgepress_api.report.document.records import (
    DatasetSummary,
    FailureRecord,
    PipelineRecord,
    Provenance,
    StepCost,
    TrainingRecord,
)
from edgepress_api.report.document.report import Report
from edgepress_api.report.document.rows import Baseline, Baselines, Ratios, ReportRow, SizeRatios
from edgepress_api.report.document.tables import AccuracyByExport, ExportAccuracy, SecondsPerEpoch

__all__ = [
    "AccuracyByExport",
    "Baseline",
    "Baselines",
    "DatasetSummary",
    "ExportAccuracy",
    "FailureRecord",
    "PipelineRecord",
    "Provenance",
    "Ratios",
    "Report",
    "ReportRow",
    "SecondsPerEpoch",
    "SizeRatios",
    "StepCost",
    "TrainingRecord",
]

"""Jobs, steps and devices as rows: the truth that everything else is derived from."""

from edgepress_api.database.engine import Database
from edgepress_api.database.tables import (
    Base,
    CounterRow,
    DatasetRow,
    DeviceRow,
    EventRow,
    IdentityRow,
    JobRow,
    ModelRow,
    PipelineRow,
    PipelineStepRow,
    StepArtifactRow,
    StepInputRow,
    StepRow,
    TokenRow,
    WebhookRow,
)

__all__ = [
    "Base",
    "CounterRow",
    "Database",
    "DatasetRow",
    "DeviceRow",
    "EventRow",
    "IdentityRow",
    "JobRow",
    "ModelRow",
    "PipelineRow",
    "PipelineStepRow",
    "StepArtifactRow",
    "StepInputRow",
    "StepRow",
    "TokenRow",
    "WebhookRow",
]

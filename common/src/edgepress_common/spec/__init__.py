"""What a user posts: the description of a job, validated as far as it can be without looking at anything outside.

What needs a look (is the folder there, does anybody serve that device) is checked by the gateway before it accepts.
"""

from edgepress_common.spec.dataset import (
    BuiltinDataset,
    Dataset,
    FolderDataset,
    NctCrcHeDataset,
    NpzDataset,
    UploadDataset,
)
from edgepress_common.spec.evaluation import Evaluation
from edgepress_common.spec.exports import EXPORTS, Export, ExportKind
from edgepress_common.spec.job import JobSpec
from edgepress_common.spec.model import Model
from edgepress_common.spec.pipeline import Pipeline
from edgepress_common.spec.stages import METHODS, Stage, StageKind, TrainStage
from edgepress_common.spec.training import Augmentation, EarlyStopping, Training

__all__ = [
    "EXPORTS",
    "METHODS",
    "Augmentation",
    "BuiltinDataset",
    "Dataset",
    "EarlyStopping",
    "Evaluation",
    "Export",
    "ExportKind",
    "FolderDataset",
    "JobSpec",
    "Model",
    "NctCrcHeDataset",
    "NpzDataset",
    "Pipeline",
    "Stage",
    "StageKind",
    "TrainStage",
    "Training",
    "UploadDataset",
]

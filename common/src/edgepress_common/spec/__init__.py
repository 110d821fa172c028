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
from edgepress_common.spec.goals import CRITERIA, Criterion, Goals, Preference, RankingMethod, Weights
from edgepress_common.spec.job import JobSpec
from edgepress_common.spec.layers import LayerSelection
from edgepress_common.spec.limits import Limits
from edgepress_common.spec.methods import METHODS
from edgepress_common.spec.model import Model, Network, PixelRange, UploadedModel
from edgepress_common.spec.pipeline import Pipeline
from edgepress_common.spec.stages import (
    ClusterStage,
    ConstantSchedule,
    DistillStage,
    PatternSchedule,
    PolynomialSchedule,
    PruneStage,
    QuantizeAwareStage,
    Stage,
    StageKind,
    TrainStage,
)
from edgepress_common.spec.training import Augmentation, EarlyStopping, Training

__all__ = [
    "CRITERIA",
    "EXPORTS",
    "METHODS",
    "Augmentation",
    "BuiltinDataset",
    "ClusterStage",
    "ConstantSchedule",
    "Criterion",
    "Dataset",
    "DistillStage",
    "EarlyStopping",
    "Evaluation",
    "Export",
    "ExportKind",
    "FolderDataset",
    "Goals",
    "JobSpec",
    "LayerSelection",
    "Limits",
    "Model",
    "NctCrcHeDataset",
    "Network",
    "NpzDataset",
    "PatternSchedule",
    "Pipeline",
    "PixelRange",
    "PolynomialSchedule",
    "Preference",
    "PruneStage",
    "QuantizeAwareStage",
    "RankingMethod",
    "Stage",
    "StageKind",
    "TrainStage",
    "Training",
    "UploadDataset",
    "UploadedModel",
    "Weights",
]

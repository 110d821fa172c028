"""The spec of a job, as a user posts it. It is validated here as far as possible without external state.

The gateway validates the rest before it accepts a job: whether the data set exists, whether a device has that name.
"""

from edgepress_common.spec.dataset_kinds import DATASET_KINDS, Dataset
from edgepress_common.spec.dataset_kinds.builtin import BuiltinDataset
from edgepress_common.spec.dataset_kinds.cifar10 import Cifar10Dataset
from edgepress_common.spec.dataset_kinds.folder import FolderDataset
from edgepress_common.spec.dataset_kinds.nct_crc_he import NctCrcHeDataset
from edgepress_common.spec.dataset_kinds.npz import NpzDataset
from edgepress_common.spec.dataset_kinds.upload import UploadDataset
from edgepress_common.spec.evaluation import Evaluation
from edgepress_common.spec.exports import EXPORTS, Export, ExportKind
from edgepress_common.spec.goals import CRITERIA, Criterion, Goals, Preference, RankingMethod, Weights
from edgepress_common.spec.job import JobSpec
from edgepress_common.spec.layers import LayerSelection
from edgepress_common.spec.limits import Limits
from edgepress_common.spec.methods import METHODS, Stage, StageKind
from edgepress_common.spec.methods.cluster import ClusterStage
from edgepress_common.spec.methods.distill import DistillStage
from edgepress_common.spec.methods.factorize import BayesRank, EnergyRank, FactorizeStage, TargetRank
from edgepress_common.spec.methods.prune import ConstantSchedule, PatternSchedule, PolynomialSchedule, PruneStage
from edgepress_common.spec.methods.prune_channels import ChannelTarget, PruneChannelsStage
from edgepress_common.spec.methods.quantize_aware import QuantizeAwareStage
from edgepress_common.spec.methods.train import TrainStage
from edgepress_common.spec.model import Model, Network, PixelRange, UploadedModel
from edgepress_common.spec.pipeline import Pipeline
from edgepress_common.spec.training import Augmentation, EarlyStopping, Training

__all__ = [
    "CRITERIA",
    "DATASET_KINDS",
    "EXPORTS",
    "METHODS",
    "Augmentation",
    "BayesRank",
    "BuiltinDataset",
    "ChannelTarget",
    "Cifar10Dataset",
    "ClusterStage",
    "ConstantSchedule",
    "Criterion",
    "Dataset",
    "DistillStage",
    "EarlyStopping",
    "EnergyRank",
    "Evaluation",
    "Export",
    "ExportKind",
    "FactorizeStage",
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
    "PruneChannelsStage",
    "PruneStage",
    "QuantizeAwareStage",
    "RankingMethod",
    "Stage",
    "StageKind",
    "TargetRank",
    "TrainStage",
    "Training",
    "UploadDataset",
    "UploadedModel",
    "Weights",
]

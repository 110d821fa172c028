"""Named lists of pipelines."""

from typing import Literal, get_args

from edgepress_common.spec.exports.dynamic import DynamicExport
from edgepress_common.spec.exports.float16 import Float16Export
from edgepress_common.spec.exports.float32 import Float32Export
from edgepress_common.spec.exports.int8 import Int8Export
from edgepress_common.spec.exports.int16x8 import Int16x8Export
from edgepress_common.spec.methods import Stage
from edgepress_common.spec.methods.cluster import ClusterStage
from edgepress_common.spec.methods.distill import DistillStage
from edgepress_common.spec.methods.fine_tune import FineTuneStage
from edgepress_common.spec.methods.prune import ConstantSchedule, PolynomialSchedule, PruneStage
from edgepress_common.spec.methods.quantize_aware import QuantizeAwareStage
from edgepress_common.spec.methods.train import TrainStage
from edgepress_common.spec.model import Model
from edgepress_common.spec.pipeline import Pipeline
from edgepress_common.spec.teaching import DistLoss, DkdLoss
from edgepress_common.spec.training import Augmentation, Training

PresetName = Literal["quick", "paper", "distillation", "patient", "ensemble"]

_STUDIED_EXPORTS = (Float32Export(), Float16Export(), DynamicExport(), Int16x8Export(), Int8Export())

_PRUNE_HALF = PruneStage(schedule=PolynomialSchedule(final_sparsity=0.5))
_CLUSTER_16 = ClusterStage(clusters=16)
_STUDENT = Model(architecture="mobilenet_v2")


def _studied(name: str, *stages: Stage) -> Pipeline:
    return Pipeline(name=name, stages=stages, exports=_STUDIED_EXPORTS)


# Predic et al. 2022, doi:10.3390/axioms11050229: its methods under its names (section 3.4 and Table 2), each with all
# exports. Values that the paper does not state (sparsity, clusters of the combined methods) are 0.5 and 16.
_PAPER = (
    _studied("base"),
    _studied("PR constant", PruneStage(schedule=ConstantSchedule(final_sparsity=0.5))),
    _studied("PR", _PRUNE_HALF),
    _studied("CL KPP 32", ClusterStage(clusters=32, centroids="kmeans_plus_plus")),
    _studied("CL LIN 32", ClusterStage(clusters=32, centroids="linear")),
    _studied("CL KPP 256", ClusterStage(clusters=256, centroids="kmeans_plus_plus")),
    _studied("PR CL", _PRUNE_HALF, _CLUSTER_16),
    _studied("QAT", QuantizeAwareStage()),
    _studied("PQAT", _PRUNE_HALF, QuantizeAwareStage()),
    _studied("CQAT", _CLUSTER_16, QuantizeAwareStage()),
    _studied("PCQAT", _PRUNE_HALF, _CLUSTER_16, QuantizeAwareStage()),
    _studied("distillation", DistillStage(student=_STUDENT)),
    _studied("student alone", TrainStage(model=_STUDENT)),
)

# One pipeline per purpose: the trained network and its int8; the best int8; the smallest; the fastest.
_QUICK = (
    Pipeline(name="base", exports=_STUDIED_EXPORTS),
    Pipeline(name="QAT", stages=(QuantizeAwareStage(epochs=1),), exports=(Int8Export(),)),
    Pipeline(
        name="PCQAT",
        stages=(
            PruneStage(epochs=1, schedule=PolynomialSchedule(final_sparsity=0.5)),
            ClusterStage(epochs=1, clusters=16),
            QuantizeAwareStage(epochs=1),
        ),
        exports=(Int8Export(),),
    ),
    Pipeline(
        name="distillation",
        stages=(DistillStage(student=Model(architecture="mobilenet_v2", width=0.5)),),
        exports=(Float32Export(), Int8Export()),
    ),
)

_BASE = Pipeline(name="base", exports=(Float32Export(), Int8Export()))


def _small(name: str, *stages: Stage) -> Pipeline:
    return Pipeline(name=name, stages=stages, exports=(Float32Export(), Int8Export()))


# Ways from the job's network to a MobileNetV2, as the conclusion of Predic et al. 2022 proposes: directly, by each
# loss; by an assistant of a size in between (Mirzadeh et al. 2020, arXiv:1902.03393); by three teachers.
_DISTILLATION = (
    _BASE,
    _small("student alone", TrainStage(model=_STUDENT)),
    _small("direct", DistillStage(student=_STUDENT, temperature=4)),
    _small("direct dkd", DistillStage(student=_STUDENT, temperature=4, loss=DkdLoss())),
    _small("direct dist", DistillStage(student=_STUDENT, temperature=4, loss=DistLoss())),
    _small(
        "assistant",
        DistillStage(student=Model(architecture="mobilenet_v2", width=1.4), temperature=4),
        DistillStage(student=_STUDENT, temperature=4),
    ),
    _small("second teacher", TrainStage(seed_offset=1000)),
    _small("third teacher", TrainStage(seed_offset=2000)),
    _small(
        "three teachers",
        DistillStage(student=_STUDENT, temperature=4, teacher=("source", "second teacher", "third teacher")),
    ),
)

# A teacher that sees the same mixed images as its student, for a long time (Beyer et al. 2022, arXiv:2106.05237): its
# section 3 mixes all images, and trains for hundreds of epochs.
_PATIENT = (
    _BASE,
    _small("distillation", DistillStage(student=_STUDENT, temperature=4)),
    _small(
        "patient distillation",
        DistillStage(
            student=_STUDENT,
            temperature=4,
            alpha=0,
            training=Training(
                epochs=200,
                warmup_epochs=5,
                augmentation=Augmentation(horizontal_flip=True, mixup=1),
                weight_average=0.999,
            ),
        ),
    ),
)

# Ensemble compression (Sun et al. 2017, arXiv:1606.00575): three trainings, each then taught by all of them.
_MEMBERS = {f"member {number}": TrainStage(seed_offset=1000 * (number - 1)) for number in (1, 2, 3)}
_ENSEMBLE = (
    *(_small(name, member) for name, member in _MEMBERS.items()),
    *(_small(f"{name} by all", member, FineTuneStage(teacher=tuple(_MEMBERS))) for name, member in _MEMBERS.items()),
)

PRESETS: dict[PresetName, tuple[Pipeline, ...]] = {
    "quick": _QUICK,
    "paper": _PAPER,
    "distillation": _DISTILLATION,
    "patient": _PATIENT,
    "ensemble": _ENSEMBLE,
}

assert set(PRESETS) == set(get_args(PresetName))

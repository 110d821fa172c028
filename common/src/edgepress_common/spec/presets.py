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
from edgepress_common.spec.methods.prune import ConstantSchedule, PolynomialSchedule, PruneStage
from edgepress_common.spec.methods.quantize_aware import QuantizeAwareStage
from edgepress_common.spec.methods.train import TrainStage
from edgepress_common.spec.model import Model
from edgepress_common.spec.pipeline import Pipeline

PresetName = Literal["quick", "paper"]

_ALL_EXPORTS = (Float32Export(), Float16Export(), DynamicExport(), Int16x8Export(), Int8Export())

_PRUNE_HALF = PruneStage(schedule=PolynomialSchedule(final_sparsity=0.5))
_CLUSTER_16 = ClusterStage(clusters=16)
_STUDENT = Model(architecture="mobilenet_v2")


def _studied(name: str, *stages: Stage) -> Pipeline:
    return Pipeline(name=name, stages=stages, exports=_ALL_EXPORTS)


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
    Pipeline(name="base", exports=_ALL_EXPORTS),
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

PRESETS: dict[PresetName, tuple[Pipeline, ...]] = {"quick": _QUICK, "paper": _PAPER}

assert set(PRESETS) == set(get_args(PresetName))

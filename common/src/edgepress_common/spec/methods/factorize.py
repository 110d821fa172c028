"""Low-rank factorization."""

from typing import Annotated, Literal

from pydantic import Field

from edgepress_common.frozen import Frozen
from edgepress_common.spec.method import LargeKernelTuning, Method
from edgepress_common.spec.model import Network
from edgepress_common.spec.teaching import SOURCE, TEACHER, Teacher


class EnergyRank(Frozen):
    """The smallest ranks that keep a share of the squared singular values of each layer's weights."""

    kind: Literal["energy"] = "energy"
    energy: float = Field(default=0.8, gt=0, lt=1, description="Share of the squared singular values that is kept.")


class BayesRank(Frozen):
    """The ranks that variational Bayesian matrix factorization distinguishes from noise; there is nothing to set."""

    kind: Literal["bayes"] = "bayes"


class TargetRank(Frozen):
    """The largest ranks that meet a target for the whole network. All layers lose the same share of energy."""

    kind: Literal["target"] = "target"
    of: Literal["macs", "weights"] = Field(default="macs", description="What the target is a share of.")
    share: float = Field(
        default=0.5, gt=0, lt=1, description="Largest share of the network's MACs or weights that is kept."
    )


Rank = Annotated[EnergyRank | BayesRank | TargetRank, Field(discriminator="kind")]


class FactorizeStage(LargeKernelTuning):
    """Replace convolutions and dense layers by chains of smaller ones, and continue to train."""

    kind: Literal["factorize"] = "factorize"
    rank: Rank = Field(default=EnergyRank(), description="How many channels are left between the smaller layers.")
    multiple_of: int = Field(
        default=16,
        ge=1,
        le=256,
        description="Ranks are rounded up to a multiple of this: kernels compute whole groups of channels.",
    )
    teacher: Teacher = Field(default=SOURCE, description=TEACHER)


def _describe(stage: FactorizeStage, _network: Network) -> str:
    match stage.rank:
        case EnergyRank(energy=energy):
            return f"factorize to {100 * energy:g} % of the energy"
        case BayesRank():
            return "factorize (variational Bayes)"
        case TargetRank(of=of, share=share):
            return f"factorize to {100 * share:g} % of the {'MACs' if of == 'macs' else of}"


def _conflict(_earlier: FactorizeStage, position: int, _stage: FactorizeStage) -> str:
    return (
        f" is 'factorize', but stages[{position}] has factorized the network; accepted: one factorize with lower ranks"
    )


_PRODUCT = "it would replace the layer's weights by factors, which have other values"

METHOD = Method(
    kind="factorize",
    title="Low-rank factorization",
    position=15,
    summary="Replaces selected layers by chains of smaller layers with nearly the same product, and trains these: a "
    "dense layer or 1x1 convolution by two layers (truncated singular value decomposition), another convolution by a "
    "1x1 convolution to fewer channels, the convolution among these, and a 1x1 convolution back (Tucker-2). A layer is "
    "only replaced where this saves both MACs and weights.",
    paper="Kim et al. 2016, Compression of Deep Convolutional Neural Networks for Fast and Low Power Mobile "
    "Applications, arXiv:1511.06530; ranks by variational Bayes: Nakajima et al. 2013, Global Analytic Solution of "
    "Fully-observed Variational Bayesian Matrix Factorization, JMLR 14",
    limits="Applies to convolutions and dense layers, not to depthwise and grouped convolutions, which it skips. Saves "
    "most in 3x3 convolutions with many channels. Each replaced layer adds one or two operators, whose activations "
    "take time that MACs do not show. Must come before prune, cluster and quantize_aware.",
    cost="Before the first epoch, the decomposition of each layer, in seconds. Then the epochs of the smaller network.",
    parameters=FactorizeStage,
    describe=_describe,
    gives=frozenset({"shape"}),
    keeps={"shape": None},
    undoes={"zeros": _PRODUCT, "shared_values": _PRODUCT, "grid": _PRODUCT},
    conflict=_conflict,
    promises=("channels", "macs", "weights"),
)

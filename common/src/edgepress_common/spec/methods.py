"""What there is to know about each kind of stage: shown by the API, and word for word in docs/methods.md."""

from typing import get_args

from edgepress_common.frozen import Frozen
from edgepress_common.spec.stages import (
    ClusterStage,
    DistillStage,
    PruneStage,
    QuantizeAwareStage,
    StageKind,
    TrainStage,
)


class Method(Frozen):
    """What there is to know about a kind of stage.

    Attributes:
        kind: How a spec asks for it.
        title: How people write it.
        summary: What it does and when it pays, in a paragraph.
        paper: Where it was published, or None for plain practice.
        limits: What it can't do, and what to be careful about.
        cost: What it takes, in time and memory, against plain training.
        parameters: The model of its parameters.
    """

    kind: StageKind
    title: str
    summary: str
    paper: str | None
    limits: str
    cost: str
    parameters: type[Frozen]


METHODS: dict[StageKind, Method] = {
    "train": Method(
        kind="train",
        title="Training",
        summary="Trains the network from random or ImageNet weights with cross-entropy. Every other method starts from "
        "what this gives; pipelines that train alike share one training.",
        paper=None,
        limits="First stage of a pipeline only.",
        cost="The measure of all others.",
        parameters=TrainStage,
    ),
    "prune": Method(
        kind="prune",
        title="Pruning",
        summary="Sets the smallest weights of each layer to zero while the network trains on, at once (constant) or "
        "more and more of them (polynomial), or so many in each group of neighbours (pattern, as in 2:4). A pruned "
        "file is smaller once it is zipped, or once its zeros are left out, which exports do by themselves where it "
        "makes the file smaller. Half of the weights are usually free; past 80 % accuracy begins to go.",
        paper="Zhu and Gupta 2017, To prune, or not to prune, arXiv:1710.01878",
        limits="Convolutions and dense layers, not depthwise convolutions. No faster on most boards: only float 1x1 "
        "convolutions with two thirds of zeros have sparse kernels. Comes before cluster.",
        cost="A multiplication per weight and step, and a selection among them each time zeros are chosen anew.",
        parameters=PruneStage,
    ),
    "cluster": Method(
        kind="cluster",
        title="Weight clustering",
        summary="Lets all weights of a layer share a few values, and trains both the values and who has which. The "
        "file is smaller once it is zipped: 16 values are half a byte a weight. Zeros of a pruned network stay zero.",
        paper="Han et al. 2015, Deep Compression, arXiv:1510.00149",
        limits="Convolutions and dense layers, not depthwise convolutions. Neither smaller before it is zipped nor "
        "faster. A layer with fewer weights than values is left as it is. A converter multiplies a normalization that "
        "follows into the weights, so a float file has so many values per output channel rather than per layer.",
        cost="A search among the values for each weight and step, in log2(values) comparisons, and a sum over the "
        "weights of each value.",
        parameters=ClusterStage,
    ),
    "quantize_aware": Method(
        kind="quantize_aware",
        title="Quantization-aware training",
        summary="Trains on with weights rounded to int8's grid and activations to the range they were seen in, so that "
        "the network gets used to it: the int8 export then computes what was trained. After pruning it keeps zeros "
        "(PQAT), after clustering shared values (CQAT), after both both (PCQAT), without being told.",
        paper="Jacob et al. 2017, Quantization and Training of Neural Networks for Integer-Only Inference, "
        "arXiv:1712.05877",
        limits="Last stage of a network, or followed by distill. Pays for the export int8; others drop the ranges and "
        "keep the rounded weights. Weights that share values have one step for the layer instead of one per channel, "
        "so that they go on sharing them as int8 codes.",
        cost="Two passes over each weight, and three over each activation that int8 would round.",
        parameters=QuantizeAwareStage,
    ),
    "distill": Method(
        kind="distill",
        title="Knowledge distillation",
        summary="Trains another, smaller network (the student) to give the probabilities that this one (the teacher) "
        "gives, softened by a temperature, beside the labels: alpha times the cross-entropy with the labels, plus "
        "1 - alpha times the divergence from the teacher, times the temperature squared, so that its gradients weigh "
        "the same whatever the temperature. The way to a network that is faster on every board.",
        paper="Hinton et al. 2015, Distilling the Knowledge in a Neural Network, arXiv:1503.02531",
        limits="The student has nothing of what was done to the teacher's weights: prune, cluster and quantize it "
        "afterwards. Both see the same images, so the teacher must be good at the job's image size.",
        cost="The student's training. Where images are not rotated the teacher looks at each of them once (and at "
        "each of its mirror images); otherwise, its inference on every batch.",
        parameters=DistillStage,
    ),
}

assert set(METHODS) == set(get_args(StageKind))

"""Fine-tuning."""

from typing import Literal

from pydantic import Field

from edgepress_common.spec.method import Continuation, Method
from edgepress_common.spec.teaching import SOURCE, TEACHER, Taught, Teacher


class FineTuneStage(Taught, Continuation):
    """Continue to train the network, with everything that earlier stages have done to it."""

    kind: Literal["fine_tune"] = "fine_tune"
    teacher: Teacher = Field(default=SOURCE, description=TEACHER)


METHOD = Method(
    kind="fine_tune",
    title="Fine-tuning",
    position=12,
    summary="Continues to train the network, with the labels and a teacher, and keeps zeros and shared values. Use it "
    "to let several networks teach each of them, or to recover accuracy after pruning or clustering.",
    paper="Sun et al. 2017, Ensemble-Compression, arXiv:1606.00575",
    limits="Compresses nothing by itself. Must come before quantize_aware.",
    cost="That of plain training.",
    parameters=FineTuneStage,
    describe=lambda _stage, _network: "fine_tune",
    keeps={"zeros": None, "shared_values": None, "shape": None},
)

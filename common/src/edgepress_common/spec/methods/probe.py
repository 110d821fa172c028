"""An untrained network, to measure its latency."""

from typing import Annotated, Literal

from pydantic import Field

from edgepress_common.spec.method import Method, NewNetwork
from edgepress_common.spec.model import Network

Share = Annotated[float, Field(gt=0, le=1)]


class ProbeStage(NewNetwork):
    """Build a network with its initial weights, and describe its operators."""

    kind: Literal["probe"] = "probe"
    model: Network | None = Field(default=None, description="Network to build instead of the job's.")
    keep_macs: Share = Field(
        default=1.0,
        description="Share of the network's MACs that is kept, with channels removed as by prune_channels. A network "
        "that can't be so narrow stays as it is.",
    )
    described: tuple[Share, ...] = Field(
        default=(), max_length=20, description="Further shares to describe the narrower network's operators at."
    )


def _describe(stage: ProbeStage, network: Network) -> str:
    narrower = "" if stage.keep_macs == 1 else f" with {100 * stage.keep_macs:g} % of its MACs"
    return f"probe of {network.title}{narrower}, not trained"


METHOD = Method(
    kind="probe",
    title="Probe",
    position=90,
    summary="Builds a network with its initial weights and does not train it. A search exports and measures probes to "
    "learn how fast a device is before it trains anything: latency does not depend on the weights. A pipeline with a "
    "probe alone is not part of the report's comparison and is never recommended.",
    paper=None,
    limits="First stage of a pipeline only. Its files are measured on a few images: their accuracy means nothing.",
    cost="Seconds, and the time to export and measure the file.",
    parameters=ProbeStage,
    describe=_describe,
    takes=None,
    network="model",
    trains=False,
    epoch_weight=0.01,
)

"""Targets of channel pruning: the cost that they count, of a network and of one without some of its channels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from edgepress_common.errors import InvalidInputError
from edgepress_common.latency_table import LatencyTable, Prediction
from edgepress_common.results import OperatorWork, PredictedLatency
from edgepress_common.spec.methods.prune_channels import LatencyTarget, PruneChannelsStage
from edgepress_worker.channels.allocation import Kept
from edgepress_worker.channels.cost import PrunedCost, PrunedWork
from edgepress_worker.channels.flow import Flow
from edgepress_worker.keras_cost import LayerCost, layer_costs
from edgepress_worker.keras_environment import keras
from edgepress_worker.operator_work import operator_work

_ROUNDING = 1e4  # an accepted number of milliseconds is stated with four digits, and rounded up


@dataclass(frozen=True)
class ShareTarget:
    """A share of the channels, MACs or weights of a network.

    Attributes:
        stage: Parameters of the stage.
        source: The network that the stage begins with.
    """

    stage: PruneChannelsStage
    source: keras.Model

    @cached_property
    def cost(self) -> float:
        """Cost of the stage's input network."""
        return self._total(layer_costs(self.source))

    def budget(self, share_of_rounds: float) -> float:
        """Return the largest cost that is accepted after a share of the rounds."""
        return self.cost * self.stage.target.keep**share_of_rounds

    def pruned(self, flow: Flow) -> Callable[[Kept], float]:
        """Return the function from the channels that are kept to the cost.

        Args:
            flow: The channels of a network.
        """
        priced = PrunedCost(flow)
        return lambda kept: self._total(priced.layers(kept))

    def unreachable(self, nearest: float, floor: int) -> InvalidInputError:
        """Return the error about a target that costs less than the cheapest network.

        Args:
            nearest: Cost of the cheapest network.
            floor: Number of channels that each layer keeps at least.
        """
        target, least = self.stage.target, nearest / self.cost
        return InvalidInputError(
            f"target.keep is {target.keep:g} of the {target.of}, but the selected layers still need {least:.4f} with "
            f"at least {floor} channels each and a multiple of {self.stage.multiple_of}; accepted: keep of at least "
            f"{least:.4f}, a smaller min_channels or multiple_of, or more layers"
        )

    def reached(self, network: keras.Model) -> None:  # noqa: ARG002 - the interface of a target
        """Return nothing: the shape of the network is promised, and verified in the file."""
        return

    def _total(self, costs: Sequence[LayerCost]) -> float:
        return sum(getattr(cost, self.stage.target.of) for cost in costs)


@dataclass(frozen=True)
class DeviceTarget:
    """A latency on a device, as its latency model predicts it.

    The cost of a network is its predicted latency in milliseconds. It is not less with more channels, because no time
    of a latency model is negative.

    Attributes:
        stage: Parameters of the stage.
        source: The network that the stage begins with.
        target: The latency to reach.
        table: The latency model.
    """

    stage: PruneChannelsStage
    source: keras.Model
    target: LatencyTarget
    table: LatencyTable

    @cached_property
    def cost(self) -> float:
        """Latency of the stage's input network.

        Raises:
            InvalidInputError: The latency can't be predicted.
        """
        return self._predicted(operator_work(self.source)).ms

    def budget(self, share_of_rounds: float) -> float:
        """Return the largest latency that is accepted after a share of the rounds.

        Raises:
            InvalidInputError: The latency can't be predicted, or no channel has to be removed.
        """
        if self.cost <= self.target.ms:
            raise InvalidInputError(
                f"target.latency.ms is {self.target.ms:g}, but the whole network is predicted to take "
                f"{self.cost:.4g} ms on {self.target.device} as {self.table.export}: no channel has to be removed; "
                f"accepted: less than {self.cost:.4g}, or a pipeline without prune_channels"
            )
        return self.cost * (self.target.ms / self.cost) ** share_of_rounds

    def pruned(self, flow: Flow) -> Callable[[Kept], float]:
        """See `ShareTarget.pruned`."""
        counted = PrunedWork(flow)
        return lambda kept: self._predicted(counted.work(kept)).ms

    def unreachable(self, nearest: float, floor: int) -> InvalidInputError:
        """See `ShareTarget.unreachable`."""
        least = ceil(nearest * _ROUNDING) / _ROUNDING
        return InvalidInputError(
            f"target.latency.ms is {self.target.ms:g}, but the selected layers still need {least:g} ms on "
            f"{self.target.device} as {self.table.export}, as predicted, with at least {floor} channels each and a "
            f"multiple of {self.stage.multiple_of}; accepted: ms of at least {least:g}, a smaller min_channels or "
            "multiple_of, or more layers"
        )

    def reached(self, network: keras.Model) -> PredictedLatency:
        """Return the predicted latency of the stage's network."""
        found = self._predicted(operator_work(network))
        return PredictedLatency(
            device=self.table.device,
            export=self.table.export,
            target_ms=self.target.ms,
            source_ms=self.cost,
            **found.model_dump(),
        )

    def _predicted(self, work: Sequence[OperatorWork]) -> Prediction:
        found = self.table.predict(work)
        if found is not None:
            return found
        known = sorted({name.split()[0] for fit in self.table.fits for name in fit.terms})
        raise InvalidInputError(
            f"the latency model of {self.table.device} for {self.table.export} knows {', '.join(known)}, and the "
            f"network has {', '.join(each.kind for each in work)}; accepted: a device that has measured a network "
            "with each of these operators, as this export"
        )


Target = ShareTarget | DeviceTarget


def target_of(stage: PruneChannelsStage, source: keras.Model, table: LatencyTable | None) -> Target:
    """Return the target of a stage.

    Args:
        stage: Parameters of the stage.
        source: The network that the stage begins with.
        table: The latency model that was planned with the stage, if its target is a latency.
    """
    if stage.target.latency is None:
        return ShareTarget(stage, source)
    if table is None:
        raise InvalidInputError("target.latency is given without the device's latency model; accepted: a planned stage")
    return DeviceTarget(stage, source, stage.target.latency, table)

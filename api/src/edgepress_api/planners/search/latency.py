"""Latency before training: which probes to measure, and what the latency model expects of the members of a space.

Latency does not depend on the weights. A search with a latency limit therefore measures **probes** first: networks of
its space that are exported with their initial weights. The latency model of the device is fitted on them, on all
earlier files of the device, and on the trials of the search so far. Then it predicts each member of the space:

- A member whose whole interval misses the limit is not tried. If that holds for all members, the
  members that may be as fast as the fastest are left, so that the search can answer what is nearest to the limit.
- Among the others, members that are expected to keep the limit come first.

Probes span the space: in rounds, each network (for images of each size) at its full width and at its least share of
MACs, with one export after the other. Every probe also describes the operators of its network at all shares of the
space, so that one probe of each network is enough to predict all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product

from edgepress_api.latency_model.model import LatencyModel
from edgepress_api.latency_model.samples import work_name
from edgepress_api.planners.planner import Proposal
from edgepress_api.planners.search.past import Past
from edgepress_common.latency_table import Prediction, export_name
from edgepress_common.spec import Pipeline
from edgepress_common.spec.space import members, options, probe_of, untrained
from edgepress_common.trial import Choices, Trial

_MOST_PROBES = 24  # half a minute each

Shape = tuple[str, str, str, str]
"""Labels of the choices that the latency of a member depends on: network, keep_macs, export, and image size if the
space has image sizes."""


@dataclass(frozen=True)
class Expectations:
    """The latencies that the model of the device expects of the members of a space."""

    past: Past

    @cached_property
    def model(self) -> LatencyModel | None:
        """The latency model of the device; None without measured files."""
        return LatencyModel.fitted(self.past.latency.of_device(self.past.device))

    @cached_property
    def limit_ms(self) -> float | None:
        """The limit of the search."""
        return self.past.search.limits.max_latency_ms

    @cached_property
    def predictions(self) -> Mapping[Shape, Prediction]:
        """The predictions, for the members whose operators are known."""
        if self.model is None:
            return {}
        choices = options(self.past.search.space, self.past.spec.model)
        threads = self.past.spec.evaluation.threads
        found = {}
        sizes = image_sizes(self.past)
        for (network, model), (size, pixels) in product(choices["network"].items(), sizes.items()):
            for keep, share in choices["keep_macs"].items():
                work = self.past.latency.work.get(work_name(untrained(model), share, pixels))
                if work is None:
                    continue
                for export, parameters in choices["export"].items():
                    predicted = self.model.predict(export_name(parameters), work, threads)
                    if predicted is not None:
                        found[network, keep, export, size] = predicted
        return found

    def of(self, member: Choices) -> Prediction | None:
        """Return the predicted latency of a member; None if it is not known."""
        return self.predictions.get(shape_of(member))

    @cached_property
    def ruled_out(self) -> frozenset[Shape]:
        """The members that the model expects to miss the limit."""
        if self.limit_ms is None or not self.predictions:
            return frozenset()
        space = {shape_of(member) for member in members(self.past.search.space, self.past.spec.model)}
        known = {shape: each for shape, each in self.predictions.items() if shape in space}
        is_open = len(known) < len(space)
        least = self.limit_ms
        if not is_open:
            least = max(least, min(each.high_ms for each in known.values()))
        return frozenset(shape for shape, each in known.items() if each.low_ms > least)

    @property
    def error(self) -> float | None:
        """Median error of the latency model for the exports of the space; None without a model."""
        return None if self.model is None else self.model.error

    def count_ruled_out(self) -> int:
        """Return the number of members of the space that are ruled out."""
        return sum(shape_of(each) in self.ruled_out for each in members(self.past.search.space, self.past.spec.model))

    def place(self, member: Choices) -> int | None:
        """Return 0 for a member that is expected to keep the limit, or is not known; 1 for others; None: do not try."""
        if shape_of(member) in self.ruled_out:
            return None
        predicted = self.of(member)
        return int(predicted is not None and self.limit_ms is not None and predicted.ms > self.limit_ms)

    def with_prediction(self, trial: Trial) -> Trial:
        """Return the record of a trial with its predicted latency, if it is known."""
        predicted = self.of(trial.choices) if trial.choices else None
        if predicted is None:
            return trial
        return trial.model_copy(
            update={
                "predicted_latency_ms": predicted.ms,
                "predicted_low_ms": predicted.low_ms,
                "predicted_high_ms": predicted.high_ms,
            }
        )


def shape_of(choices: Choices) -> Shape:
    """Return the choices that the latency of a member depends on."""
    return choices["network"], choices["keep_macs"], choices["export"], choices.get("image_size", "")


def image_sizes(past: Past) -> Mapping[str, int]:
    """Return the image sizes of a space by their labels; that of the data set has none if it is the only one."""
    sizes = options(past.search.space, past.spec.model).get("image_size")
    return sizes or {"": past.spec.dataset.image_size}


def next_probes(past: Past) -> Proposal | None:
    """Return the probes that are still to be measured; None without a latency limit, or if there are none."""
    if past.search.limits.max_latency_ms is None:
        return None
    missing = _missing(past)
    wanted = _spanning(past) if missing is None else missing
    known = {shape_of(result.trial.choices) for result in past.results if result.trial and result.trial.kind == "probe"}
    choices = options(past.search.space, past.spec.model)
    pipelines: list[Pipeline] = []
    trials = {}
    for shape in wanted:
        if shape in known:
            continue
        network, keep, export, size = shape
        name = f"probe {len(known) + len(pipelines) + 1}"
        pipelines.append(
            probe_of(
                name,
                choices["network"][network],
                keep_macs=choices["keep_macs"][keep],
                described=tuple(choices["keep_macs"].values()),
                export=choices["export"][export],
                image_size=image_sizes(past)[size] if size else None,
            )
        )
        trials[name] = Trial(
            kind="probe",
            choices={"network": network, "keep_macs": keep, "export": export} | ({"image_size": size} if size else {}),
            reason="measured without training, to predict the latency of trials",
        )
    return Proposal(pipelines=tuple(pipelines), trials=trials) if pipelines else None


def _spanning(past: Past) -> list[Shape]:
    """Return the probes of a space, see the module."""
    choices = options(past.search.space, past.spec.model)
    networks, exports = _networks(past), list(choices["export"])
    by_share = sorted(choices["keep_macs"], key=lambda label: float(choices["keep_macs"][label]))
    shares = [by_share[-1], *by_share[:-1]]
    rounds = sorted(product(range(len(shares)), range(len(exports))), key=lambda each: (sum(each), each))
    probes = (
        (network, shares[share], exports[(number + shift) % len(exports)], size)
        for share, shift in rounds
        for number, (network, size) in enumerate(networks)
    )
    return list(islice(probes, _MOST_PROBES))


def _missing(past: Past) -> list[Shape] | None:
    """Return a probe of each network that was never described, if the model fits well; None if it does not."""
    expected = Expectations(past)
    choices = options(past.search.space, past.spec.model)
    threads = past.spec.evaluation.threads
    names = {export_name(export) for export in choices["export"].values()}
    if expected.model is None or not all(expected.model.is_good(name, threads) for name in names):
        return None
    shapes = (
        shape_of(result.trial.choices) for result in past.results if result.trial and result.trial.kind == "probe"
    )
    probed = {(network, size) for network, _, _, size in shapes}
    widest = max(choices["keep_macs"], key=lambda label: float(choices["keep_macs"][label]))
    return [
        (network, widest, next(iter(choices["export"])), size)
        for network, size in _networks(past)
        if (network, size) not in probed
        and any(
            work_name(untrained(choices["network"][network]), keep, image_sizes(past)[size]) not in past.latency.work
            for keep in choices["keep_macs"].values()
        )
    ]


def _networks(past: Past) -> list[tuple[str, str]]:
    """Return the networks of the space's members with their image sizes, as labels."""
    shapes = map(shape_of, members(past.search.space, past.spec.model))
    return list(dict.fromkeys((network, size) for network, _, _, size in shapes))

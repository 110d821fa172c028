"""The space of a search: the values that each choice of a pipeline can have.

A **member** of the space has one value for each choice, and stands for one pipeline:

    train or distill a network -> prune channels -> prune -> cluster -> quantize_aware -> export

Combinations that the order of stages or an export refuses, or that equal another one, are not members.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from math import ceil, prod
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from edgepress_common.architectures import ARCHITECTURES
from edgepress_common.frozen import ANSWER, Frozen, added_field
from edgepress_common.spec.exports import EXPORTS, Export, ExportOrName
from edgepress_common.spec.exports.int4 import Int4Export
from edgepress_common.spec.exports.int8 import Int8Export
from edgepress_common.spec.method import ImageSize
from edgepress_common.spec.methods import Stage
from edgepress_common.spec.methods.cluster import ClusterStage
from edgepress_common.spec.methods.distill import DistillStage
from edgepress_common.spec.methods.probe import ProbeStage
from edgepress_common.spec.methods.prune import PolynomialSchedule, PruneStage
from edgepress_common.spec.methods.prune_channels import ChannelTarget, PruneChannelsStage
from edgepress_common.spec.methods.quantize_aware import QuantizeAwareStage
from edgepress_common.spec.methods.train import TrainStage
from edgepress_common.spec.model import Model, Network, UploadedModel
from edgepress_common.spec.order import check_order
from edgepress_common.spec.pipeline import Pipeline
from edgepress_common.spec.training import Training
from edgepress_common.trial import Choices

_MOST_VALUES = 20
_MOST_MEMBERS = 20_000  # a planner lists them, in about a second

_LEAST_FOR_SMALLER = 96  # pixels, of the data set; half of that is 48
_SMALLER = (0.75, 0.5)
_MULTIPLE_OF = 8  # pixels, of the default sizes

# Networks of a few million MACs at 64 pixels, without operators that int8 kernels lack.
_SMALL = (
    Model(architecture="resnet18_postactivation", width=0.25),
    Model(architecture="resnet18_postactivation", width=0.5),
    Model(architecture="mobilenet_v2", width=0.35),
    Model(architecture="mobilenet_v3_small_minimalistic"),
)

Share = Annotated[float, Field(gt=0, le=1)]
Zeros = Annotated[float, Field(ge=0, lt=1)]
Clusters = Annotated[int, Field(ge=0, le=256)]


class Space(Frozen):
    """The values that the choices of a search's pipelines can have."""

    networks: Annotated[tuple[Network, ...], Field(min_length=1, max_length=_MOST_VALUES)] | None = Field(
        default=None,
        description="Networks to train. null: the job's network at each of its widths, and small networks of the "
        "catalogue.",
    )
    image_sizes: Annotated[tuple[ImageSize, ...], Field(min_length=1, max_length=_MOST_VALUES)] | None = added_field(
        None,
        description="Heights and widths of the images that networks take, in pixels; the data set is packed at each. "
        "null: that of the data set; if it has 96 pixels or more and the job's network is of the catalogue, also three "
        "quarters and half of it.",
    )
    teachers: tuple[Literal["none", "source"], ...] = Field(
        default=("none", "source"),
        min_length=1,
        max_length=2,
        description="How networks other than the job's are trained. none: alone; source: by distillation from the "
        "job's network.",
    )
    keep_macs: tuple[Share, ...] = Field(
        default=(1.0, 0.5, 0.25),
        min_length=1,
        max_length=_MOST_VALUES,
        description="Shares of the network's MACs that channel pruning keeps. 1: no channel pruning.",
    )
    zeros: tuple[Zeros, ...] = Field(
        default=(0.0, 0.5, 0.8),
        min_length=1,
        max_length=_MOST_VALUES,
        description="Shares of weights that pruning sets to zero. 0: no pruning.",
    )
    clusters: tuple[Clusters, ...] = Field(
        default=(0, 16, 32),
        min_length=1,
        max_length=_MOST_VALUES,
        description="Numbers of values that the weights of a layer share. 0: no clustering; else 2 to 256.",
    )
    quantize_aware: tuple[bool, ...] = Field(
        default=(False, True),
        min_length=1,
        max_length=2,
        description="Whether the network is trained for the export's bits, if these are 8 (int8) or 4 (int4).",
    )
    exports: tuple[ExportOrName, ...] = Field(
        default=(Int8Export(), Int4Export()),
        min_length=1,
        max_length=_MOST_VALUES,
        description="Exports, by kind or with parameters; each pipeline has one.",
    )

    @model_validator(mode="after")
    def _is_a_space(self, info: ValidationInfo) -> Self:
        if info.context == ANSWER:
            return self
        for name in type(self).model_fields:
            values = getattr(self, name) or ()
            for position, value in enumerate(values):
                if value in values[:position]:
                    raise ValueError(f"{name}[{position}] repeats a value; accepted: each value once")
        if 1 in self.clusters:
            raise ValueError("clusters has 1, which leaves a layer one value; accepted: 0, or 2 to 256")
        return self


def networks_of(space: Space, model: Network) -> tuple[Network, ...]:
    """Return the networks of a space for a job with a model."""
    if space.networks is not None:
        return space.networks
    own: tuple[Network, ...] = (model,)
    if isinstance(model, Model):
        architecture = ARCHITECTURES[model.architecture]
        widths = architecture.imagenet_widths if model.weights == "imagenet" else architecture.widths
        narrower = sorted((width for width in widths if width < model.width), reverse=True)
        own += tuple(model.model_copy(update={"width": width}) for width in narrower)
    return own + tuple(network for network in _SMALL if network not in own)


def default_image_sizes(image_size: int, model: Network) -> tuple[int, ...] | None:
    """Return the image sizes of a space without any, the largest first; None for that of the data set alone.

    Networks reduce their maps by a factor of 32, so that images much smaller than 48 pixels leave too little. An
    uploaded network takes the images of the data set.

    Args:
        image_size: Image size of the data set.
        model: The job's network.
    """
    if image_size < _LEAST_FOR_SMALLER or isinstance(model, UploadedModel):
        return None
    smaller = (round(share * image_size / _MULTIPLE_OF) * _MULTIPLE_OF for share in _SMALLER)
    return (image_size, *smaller)


@lru_cache(maxsize=32)
def options(space: Space, model: Network) -> dict[str, dict[str, Any]]:
    """Return the values of each choice by their labels, in the order of the space.

    Args:
        space: The space.
        model: The job's network.
    """
    sizes = {} if space.image_sizes is None else {"image_size": {f"{size}": size for size in space.image_sizes}}
    return {
        "network": _labelled([(network.title, network) for network in networks_of(space, model)]),
        **sizes,
        "teacher": {name: name for name in space.teachers},
        "keep_macs": {f"{share:g}": share for share in space.keep_macs},
        "zeros": {f"{share:g}": share for share in space.zeros},
        "clusters": {f"{number}": number for number in space.clusters},
        "quantize_aware": {"yes" if each else "no": each for each in space.quantize_aware},
        "export": _labelled([(export.kind, export) for export in space.exports]),
    }


@lru_cache(maxsize=32)
def members(space: Space, model: Network) -> tuple[Choices, ...]:
    """Return the members of a space, those with the same trained network next to one another.

    Args:
        space: The space.
        model: The job's network.

    Raises:
        ValueError: There are too many combinations, or none of them is a member; the message begins with the field's
            name within the search.
    """
    choices = options(space, model)
    count = prod(map(len, choices.values()))
    if count > _MOST_MEMBERS:
        raise ValueError(f"space has {count} combinations; accepted: at most {_MOST_MEMBERS}, so fewer values")
    known: dict[tuple[Any, ...], str | None] = {}
    found = []
    for labels in product(*choices.values()):
        member = dict(zip(choices, labels, strict=True))
        values = {name: choices[name][label] for name, label in member.items()}
        likeness = _likeness(values, model)
        if likeness not in known:
            known[likeness] = _refusal(values, model)
        if known[likeness] is None:
            found.append(member)
    if not found:
        reasons = "; ".join(dict.fromkeys(reason for reason in known.values() if reason is not None))
        raise ValueError(
            f"space has no combination that is a pipeline: {reasons}; accepted: values of which at least one "
            "combination can be carried out"
        )
    return tuple(found)


def pipeline_of(
    name: str, member: Choices, space: Space, *, model: Network, training: Training, share: float
) -> Pipeline:
    """Return the pipeline of a member.

    Args:
        name: Name of the pipeline.
        member: The member.
        space: Its space.
        model: The job's network.
        training: The job's training settings.
        share: Share of the epochs that each stage trains for, rounded up. A teacher is always trained in full.
    """
    choices = options(space, model)
    values = {choice: choices[choice][label] for choice, label in member.items()}
    return Pipeline(name=name, stages=tuple(_stages(values, model, training, share)), exports=(values["export"],))


def reference_of(name: str, *, training: Training, share: float, exports: Sequence[Export]) -> Pipeline:
    """Return the pipeline that only trains the job's network; see `pipeline_of`."""
    return Pipeline(name=name, stages=(TrainStage(training=_shortened(training, share)),), exports=tuple(exports))


def untrained(network: Network) -> Network:
    """Return a network of the same shape, without what a probe of it does not need."""
    if isinstance(network, Model) and network.width in ARCHITECTURES[network.architecture].widths:
        return Model(architecture=network.architecture, width=network.width)
    return network


def probe_of(
    name: str,
    network: Network,
    *,
    keep_macs: float,
    described: Sequence[float],
    export: Export,
    image_size: int | None = None,
) -> Pipeline:
    """Return the pipeline that measures a network before it is trained.

    Args:
        name: Name of the pipeline.
        network: The network.
        keep_macs: Share of its MACs that is kept.
        described: All shares at which its operators are described.
        export: The export that is measured.
        image_size: Image size that the network takes; None for that of the data set.
    """
    others = tuple(sorted({*described} - {keep_macs}))
    # Probes of all jobs have the same training settings, which they do not use, so that they share their steps.
    stage = ProbeStage(
        model=untrained(network),
        keep_macs=keep_macs,
        described=others,
        training=Training(),
        image_size=image_size,
    )
    return Pipeline(name=name, stages=(stage,), exports=(export,))


def _labelled(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the values by label; a label that is there already gets a number."""
    found: dict[str, Any] = {}
    for label, value in pairs:
        repeated = sum(other == label or other.startswith(f"{label} #") for other in found)
        found[f"{label} #{repeated + 1}" if repeated else label] = value
    return found


def _stages(values: Mapping[str, Any], model: Network, training: Training, share: float) -> Iterator[Stage]:
    network, size, shortened = values["network"], values.get("image_size"), _shortened(training, share)
    if network == model:
        yield TrainStage(training=shortened, image_size=size)
    elif values["teacher"] == "source":  # which is trained for images of the same size
        yield TrainStage(image_size=size)
        yield DistillStage(student=network, temperature=4, training=shortened)  # as the preset `distillation`
    else:
        yield TrainStage(model=network, training=shortened, image_size=size)
    if values["keep_macs"] < 1:
        yield _tuned(PruneChannelsStage(target=ChannelTarget(keep=values["keep_macs"])), share)
    if values["zeros"]:
        yield _tuned(PruneStage(schedule=PolynomialSchedule(final_sparsity=values["zeros"])), share)
    if values["clusters"]:
        yield _tuned(ClusterStage(clusters=values["clusters"]), share)
    if values["quantize_aware"]:
        is_int4 = values["export"].kind == "int4"
        yield _tuned(QuantizeAwareStage(bits=4, scales="learned") if is_int4 else QuantizeAwareStage(), share)


def _shortened(training: Training, share: float) -> Training | None:
    """Return the settings with fewer epochs; None for those of the job, which are then not stated a second time."""
    epochs = ceil(training.epochs * share)
    if epochs == training.epochs:
        return None
    return training.model_copy(update={"epochs": epochs, "warmup_epochs": training.warmup_epochs * share})


def _tuned(stage: Any, share: float) -> Stage:
    return stage.model_copy(update={"epochs": ceil(stage.epochs * share)})  # type: ignore[no-any-return]


def _likeness(values: Mapping[str, Any], model: Network) -> tuple[Any, ...]:
    """Return what decides whether a combination is a member."""
    return (
        values["network"] == model,
        _misfit(values, model),
        values["teacher"],
        values["keep_macs"] < 1,
        values["zeros"] > 0,
        values["clusters"] > 0,
        values["quantize_aware"],
        values["export"],
    )


def _refusal(values: Mapping[str, Any], model: Network) -> str | None:
    """Return why a combination is not a member; None if it is one."""
    export = values["export"]
    if (misfit := _misfit(values, model)) is not None:
        return misfit
    if values["network"] == model and values["teacher"] == "source":
        return "the job's network is not taught by itself"
    if values["quantize_aware"] and export.kind not in {"int8", "int4"}:
        return f"quantize_aware does not change the export {export.kind}"
    try:
        state = check_order(tuple(_stages(values, model, Training(), 1)))
    except ValueError as error:
        return str(error)
    problem = EXPORTS[export.kind].conflict(export, state)
    return None if problem is None else f"the export{problem}"


def _misfit(values: Mapping[str, Any], model: Network) -> str | None:
    """Return why a network, or the teacher of its size, does not take images of the size; None if it does."""
    size = values.get("image_size")
    if size is None:
        return None
    for network in (values["network"], *((model,) if values["teacher"] == "source" else ())):
        if isinstance(network, UploadedModel):
            return "an uploaded network takes the images of the data set, so no image_sizes"
        least = ARCHITECTURES[network.architecture].min_image_size
        if size < least:
            return f"{network.architecture} takes images of at least {least} pixels"
    return None

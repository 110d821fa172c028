"""A stage in one line: its kind, and the settings that differ from the defaults."""

from collections.abc import Iterator

from edgepress_common.spec import METHODS, LayerSelection
from edgepress_common.spec.method import LayerChoice, NewNetwork
from edgepress_common.spec.network_state import TRAITS
from edgepress_common.spec.teaching import Taught
from edgepress_common.steps import StageStep


def stage_summary(step: StageStep) -> str:
    """Return a line such as ``cluster to 16 values (kmeans_plus_plus), zeros kept, 4 epochs``, without defaults.

    A stage of an unknown kind, which a gateway with an extension runs, has the name of its kind.
    """
    if step.stage.kind not in METHODS:
        return step.stage.kind
    return ", ".join(_parts(step))


def _parts(step: StageStep) -> Iterator[str]:
    stage, training, method = step.stage, step.training, METHODS[step.stage.kind]
    yield method.describe(stage, step.model)
    if isinstance(stage, NewNetwork) and stage.image_size is not None:
        yield f"images of {stage.image_size} pixels"
    options = {TRAITS[trait].noun: option for trait, option in method.keeps.items() if option is not None}
    kept = [noun for noun, option in options.items() if getattr(stage, option)]
    if kept:
        yield f"{' and '.join(kept)} kept"
    if isinstance(stage, Taught) and stage.teachers and stage.teacher != type(stage).model_fields["teacher"].default:
        yield f"taught by {' and '.join(stage.teachers)}"
    if isinstance(stage, LayerChoice) and stage.layers != LayerSelection():
        yield _layers(stage.layers)
    most = "at most " if training.early_stopping is not None else ""
    yield f"{most}{training.epochs} epoch{'' if training.epochs == 1 else 's'}"


def _layers(layers: LayerSelection) -> str:
    without = f" without {' '.join(layers.exclude)}" if layers.exclude else ""
    return f"layers {' '.join(layers.include)}{without}"

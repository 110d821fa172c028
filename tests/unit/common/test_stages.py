"""The parameters of each stage: their accepted values, their effect, and their errors."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from edgepress_common.spec import METHODS, LayerSelection, PatternSchedule, PruneStage, Stage

PRUNE = {"kind": "prune"}
CHANNELS = {"kind": "prune_channels"}
CONSTANT = {"kind": "constant"}
POLYNOMIAL = {"kind": "polynomial"}
PATTERN = {"kind": "pattern"}


def stage(**written: Any) -> Stage:
    """A stage, as a spec would have it."""
    return TypeAdapter[Stage](Stage).validate_python(written)


@pytest.mark.parametrize("kind", METHODS)
def test_a_stage_needs_no_more_than_its_kind(kind: str) -> None:
    """Everything else has a default, and it is the stage that the catalogue describes."""
    assert stage(kind=kind) == METHODS[kind].parameters(kind=kind)


@pytest.mark.parametrize(
    "schedule",
    [
        CONSTANT | {"final_sparsity": 0.8, "begin": 0.1, "end": 0.5, "frequency": 100},
        POLYNOMIAL | {"initial_sparsity": 0.5, "final_sparsity": 0.5},
        PATTERN | {"pattern": "1:4"},
    ],
)
def test_a_schedule_is_chosen_by_its_kind(schedule: dict[str, Any]) -> None:
    """Each kind has its own parameters."""
    pruned = stage(kind="prune", schedule=schedule)
    assert isinstance(pruned, PruneStage)
    assert pruned.schedule.model_dump(include=set(schedule)) == schedule


def test_a_pattern_comes_to_a_share_of_zeros() -> None:
    """Two of four are half."""
    assert PatternSchedule(pattern="2:4").zeros_of_group == (2, 4)
    assert PatternSchedule(pattern="2:4").final_sparsity == 0.5
    assert PatternSchedule(pattern="12:16").final_sparsity == 0.75


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"kind": "squeeze"}, "'train', .*'prune', 'cluster', 'quantize_aware', 'distill'"),
        (CHANNELS | {"target": {"keep": 1}}, "less than 1"),
        (CHANNELS | {"target": {"of": "layers"}}, "'channels', 'macs' or 'weights'"),
        (CHANNELS | {"rounds": 5}, "rounds is 5, but epochs is 4; accepted: at most as many rounds as epochs"),
        (CHANNELS | {"layers": {"include": ["kind:depthwise_conv2d"]}}, "which this method does not support"),
        (PRUNE | {"epochs": 0}, "greater than or equal to 1"),
        (PRUNE | {"learning_rate": 0}, "greater than 0"),
        (PRUNE | {"final_sparsity": 0.5}, "Extra inputs"),
        (PRUNE | {"schedule": {"kind": "linear"}}, "'constant', 'polynomial', 'pattern'"),
        (PRUNE | {"schedule": CONSTANT | {"final_sparsity": 0}}, "greater than 0"),
        (PRUNE | {"schedule": CONSTANT | {"final_sparsity": 1}}, "less than 1"),
        (PRUNE | {"schedule": CONSTANT | {"initial_sparsity": 0.5}}, "Extra inputs"),
        (PRUNE | {"schedule": CONSTANT | {"begin": 0.8}}, "begin is 0.8 and end is 0.75; accepted: begin before end"),
        (PRUNE | {"schedule": POLYNOMIAL | {"final_sparsity": 0}}, "greater than 0"),
        (PRUNE | {"schedule": POLYNOMIAL | {"begin": 0.5, "end": 0.5}}, "begin is 0.5 and end is 0.5"),
        (PRUNE | {"schedule": POLYNOMIAL | {"initial_sparsity": 0.6}},
         "initial_sparsity is 0.6 and final_sparsity is 0.5; accepted: an initial sparsity of at most the final one"),
        (PRUNE | {"schedule": POLYNOMIAL | {"frequency": 0}}, "greater than or equal to 1"),
        (PRUNE | {"schedule": PATTERN | {"pattern": "4:4"}}, "pattern is '4:4'; accepted: m:n with m less than n"),
        (PRUNE | {"schedule": PATTERN | {"pattern": "0:4"}}, "should match pattern"),
        (PRUNE | {"schedule": PATTERN | {"unit": "kernel"}}, "Extra inputs"),
        (PRUNE | {"layers": {"include": ["kind:depthwise_conv2d"]}},
         r"layers.include\[0\] is 'kind:depthwise_conv2d', which this method does not support; accepted: first, last"),
        ({"kind": "cluster", "layers": {"exclude": ["first", "kind:depthwise_conv2d"]}},
         r"layers.exclude\[1\] is 'kind:depthwise_conv2d', which this method does not support"),
        ({"kind": "cluster", "clusters": 1}, "greater than or equal to 2"),
        ({"kind": "cluster", "clusters": 257}, "accepted here: 2 to 256"),
        ({"kind": "cluster", "centroids": "kmeans"}, "'kmeans_plus_plus' or 'hashed'"),
        ({"kind": "quantize_aware", "preserve_clusters": "no idea"}, "valid boolean"),
        ({"kind": "elastic", "widths": [0.5, 1]}, "less than 1"),
        ({"kind": "elastic", "widths": [0.5, 0.5]}, "widths repeats one of 0.5, 0.5; accepted: each once"),
        ({"kind": "elastic", "teacher": "source"}, "Extra inputs"),
        ({"kind": "elastic", "depths": [0.5, 0.5]}, "depths repeats one of 0.5, 0.5; accepted: each once"),
        ({"kind": "elastic", "widths": []}, "combine to 0 smaller networks; accepted: 1 to 24"),
        ({"kind": "elastic", "depths": [0, 0.5], "image_sizes": [8, 9]}, "combine to 35 smaller networks; accepted: 1"),
        ({"kind": "cut", "width": 1}, "nothing is cut; accepted: a width, a depth or an image_size of elastic"),
        ({"kind": "prune_channels", "target": {"of": "ms"}},
         "ms is not counted; accepted: channels, macs or weights, or target.latency with a device and ms"),
        ({"kind": "prune_channels", "slimming": {}}, "criterion is 'l1', which does not read the factors of normaliz"),
        ({"kind": "prune_channels", "criterion": "bn_scale", "slimming": {"epochs": 4}},
         "rounds is 1, but epochs is 4, 4 of them for slimming; accepted: at most as many rounds as epochs"),
        ({"kind": "distill", "alpha": 1.1}, "less than or equal to 1"),
        ({"kind": "distill", "temperature": 0.5}, "greater than or equal to 1"),
        ({"kind": "distill", "student": {"architecture": "resnet50", "width": 0.5}}, "accepted: 1"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_refused_in_words(written: dict[str, Any], words: str) -> None:
    """Settings out of their range, of another kind, or that contradict each other."""
    with pytest.raises(ValidationError, match=words):
        stage(**written)


@pytest.mark.parametrize(
    "pattern", ["first", "last", "kind:conv2d", "kind:dense", "name:stage4_*", "name:conv[0-9]", "name:block/conv?"]
)
def test_layers_are_chosen_by_place_kind_or_name(pattern: str) -> None:
    """Only quantization-aware training supports depthwise convolutions."""
    assert LayerSelection(include=(pattern,)).include == (pattern,)
    assert LayerSelection(exclude=(pattern,)).exclude == (pattern,)
    stage(kind="quantize_aware", layers={"include": ["kind:depthwise_conv2d", pattern]})


@pytest.mark.parametrize("pattern", ["", "second", "kind:batch_norm", "name:", "conv1", "name:a b", "First"])
def test_any_other_pattern_is_refused(pattern: str) -> None:
    """A name without ``name:`` too, so that no layer called first is mistaken for the first layer."""
    with pytest.raises(ValidationError, match="should match pattern"):
        LayerSelection(include=(pattern,))


@pytest.mark.parametrize(
    ("include", "exclude"), [(["name:*"], ["name:*"]), (["first", "last"], ["last", "kind:dense", "first"])]
)
def test_a_selection_of_nothing_is_refused(include: list[str], exclude: list[str]) -> None:
    """Selections that are empty for each network are refused before the network is known."""
    with pytest.raises(ValidationError, match="exclude removes everything that include selects"):
        LayerSelection.model_validate({"include": include, "exclude": exclude})

"""Which orders of stages are accepted, and what is said of the others."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from edgepress_common.plan import Plan, make_plan
from edgepress_common.spec import METHODS, BuiltinDataset, JobSpec, Model, Pipeline, Stage, TrainStage
from edgepress_common.spec.exports.int8 import Int8Export
from edgepress_common.spec.method import Method
from edgepress_common.spec.network_state import NEW_NETWORK
from edgepress_common.spec.order import after, check_order, with_choices_made
from edgepress_common.steps import StageStep
from fakes.stages import STAGES

TRAIN = {"kind": "train"}
CHANNELS = {"kind": "prune_channels"}
PRUNE = {"kind": "prune"}
PRUNE_MORE = {"kind": "prune", "schedule": {"kind": "constant", "final_sparsity": 0.8}}
PRUNE_BY_PATTERN = {"kind": "prune", "schedule": {"kind": "pattern"}}
PRUNE_LAST = PRUNE | {"layers": {"include": ["last"]}}
CLUSTER = {"kind": "cluster"}
CLUSTER_32 = CLUSTER | {"clusters": 32}
QUANTIZE = {"kind": "quantize_aware"}
DISTILL = {"kind": "distill"}
FACTORIZE = {"kind": "factorize"}
ELASTIC = {"kind": "elastic"}
CUT = {"kind": "cut", "width": 0.5}


def stages(*written: dict[str, Any]) -> tuple[Stage, ...]:
    """Stages, as a spec would have them."""
    return TypeAdapter(tuple[Stage, ...]).validate_python(written)


def planned(pipeline: tuple[Stage, ...]) -> Plan:
    """The plan of a job with one pipeline."""
    spec = JobSpec(
        name="digits",
        dataset=BuiltinDataset(image_size=32),
        model=Model(architecture="resnet18"),
        pipelines=(Pipeline(name="tried", stages=pipeline, exports=(Int8Export(),)),),
    )
    return make_plan(spec, fingerprint="digits", devices=("any",))


@pytest.mark.parametrize(
    "order",
    [
        (),
        (TRAIN,),
        (TRAIN, PRUNE, CLUSTER, QUANTIZE),
        (DISTILL, PRUNE, CLUSTER, QUANTIZE),
        (FACTORIZE, PRUNE, CLUSTER, QUANTIZE),
        (FACTORIZE, DISTILL, FACTORIZE),
        (ELASTIC, CUT, PRUNE, CLUSTER, QUANTIZE),
        (ELASTIC,),
        (ELASTIC | {"depths": [0.5]}, {"kind": "cut", "depth": 0.5}),
        (DISTILL, CHANNELS, CHANNELS, PRUNE, CLUSTER, QUANTIZE),
        (PRUNE, DISTILL, CHANNELS),
        (PRUNE, DISTILL, PRUNE),
        (CLUSTER, DISTILL, PRUNE, CLUSTER),
        (QUANTIZE, DISTILL, QUANTIZE),
        (PRUNE, PRUNE_MORE),
        (PRUNE_MORE, PRUNE_LAST),
        (PRUNE_MORE, PRUNE_BY_PATTERN),
        (CLUSTER_32, CLUSTER),
        (CLUSTER | {"per_channel": True}, CLUSTER_32),
        (PRUNE, CLUSTER | {"preserve_sparsity": False}, QUANTIZE | {"preserve_clusters": False}),
        (PRUNE, CLUSTER, QUANTIZE | {"preserve_sparsity": True, "preserve_clusters": True}),
    ],
)
def test_an_order_that_makes_sense_is_accepted(order: tuple[dict[str, Any], ...]) -> None:
    """A stage continues from existing weights, or begins with a new network."""
    check_order(stages(*order))


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ((PRUNE, TRAIN),
         "stages[1] is 'train', which would discard the stages before it; accepted: train as the first stage only"),
        ((TRAIN, CLUSTER, PRUNE),
         ("stages[2] is 'prune', but the network's weights share values at that point: further training with "
         "some weights at zero would change the other values; accepted: prune before cluster")),
        ((PRUNE, FACTORIZE),
         ("stages[1] is 'factorize', but the network's pruned weights are zero at that point: it would replace the "
         "layer's weights by factors, which have other values; accepted: factorize before prune")),
        ((FACTORIZE, FACTORIZE),
         ("stages[1] is 'factorize', but stages[0] has factorized the network; accepted: one factorize with lower "
         "ranks")),
        ((PRUNE, CHANNELS),
         ("stages[1] is 'prune_channels', but the network's pruned weights are zero at that point: it would train the "
         "remaining weights, zeros among them; accepted: prune_channels before prune")),
        ((CLUSTER, CHANNELS), "stages[1] is 'prune_channels', but the network's weights share values at that point"),
        ((QUANTIZE, CHANNELS), "stages[1] is 'prune_channels', but the network's weights lie on int8's grid"),
        ((CUT,),
         "stages[0] is 'cut', but the network is not trained to be cut at that point; accepted: elastic before it"),
        ((ELASTIC, CUT, CUT),
         "stages[2] is 'cut', but the network is not trained to be cut at that point; accepted: elastic before it"),
        ((ELASTIC, CUT | {"width": 0.4}),
         "stages[1].width is 0.4, but stages[0] trains other widths; accepted: 0.25, 0.5, 0.75"),
        ((ELASTIC, CUT | {"depth": 0.5}),
         "stages[1].depth is 0.5, but stages[0] trains other depths; accepted: no depth, or depths for elastic"),
        ((ELASTIC | {"image_sizes": [32]}, CUT | {"image_size": 24}),
         "stages[1].image_size is 24, but stages[0] trains other image_sizes; accepted: 32"),
        ((ELASTIC, CUT | {"multiple_of": 8}),
         "stages[1].multiple_of is 8, but stages[0] trains channels in multiples of 16; accepted: 16"),
        ((ELASTIC, QUANTIZE),
         ("stages[1] is 'quantize_aware', but the network can be cut to smaller ones at that point: training it alone "
         "would change the weights that the smaller ones share with it; accepted: quantize_aware after cut")),
        ((PRUNE, ELASTIC),
         ("stages[1] is 'elastic', but the network's pruned weights are zero at that point: it would change them; "
         "accepted: elastic before prune")),
        ((QUANTIZE, PRUNE),
         ("stages[1] is 'prune', but the network's weights lie on int8's grid at that point: further training would "
         "move them off the grid; accepted: quantize_aware last, or followed by distill")),
        ((QUANTIZE, CLUSTER), "stages[1] is 'cluster', but the network's weights lie on int8's grid"),
        ((QUANTIZE, QUANTIZE), "stages[1] is 'quantize_aware', but the network's weights lie on int8's grid"),
        ((CLUSTER | {"preserve_sparsity": True},),
         ("stages[0].preserve_sparsity is true, but the network has no zeros to keep at that point; accepted: null, "
         "or a prune stage before it, with no stage between them that removes the zeros")),
        ((PRUNE, DISTILL, QUANTIZE | {"preserve_sparsity": True}), "stages[2].preserve_sparsity is true"),
        ((PRUNE, CLUSTER | {"preserve_sparsity": False}, QUANTIZE | {"preserve_sparsity": True}),
         "stages[2].preserve_sparsity is true"),
        ((PRUNE, QUANTIZE | {"preserve_clusters": True}),
         ("stages[1].preserve_clusters is true, but the network's weights do not share values at that point; accepted: "
         "null, or cluster before it")),
        ((TRAIN, PRUNE_MORE, PRUNE),
         ("stages[2].schedule.final_sparsity is 0.5, but stages[1] has set 0.8 of the same layers' weights to "
         "zero, and they stay zero; accepted: 0.8 or more")),
        ((CLUSTER, CLUSTER_32),
         "stages[1].clusters is 32, but stages[0] has reduced the same layers to 16 values; accepted: 16 or fewer"),
        ((CLUSTER, CLUSTER_32 | {"per_channel": True}), "stages[1].clusters is 32"),
    ],
)  # fmt: skip
def test_an_order_that_can_not_work_is_refused_with_the_reason(order: tuple[dict[str, Any], ...], message: str) -> None:
    """Which stage, why, and what would be accepted instead."""
    with pytest.raises(ValueError, match=re.escape(message)):
        check_order(stages(*order))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(STAGES, max_size=6).map(tuple))
def test_an_accepted_order_can_be_planned(order: tuple[Stage, ...]) -> None:
    """Each stage continues from the one before, and lists the properties that it keeps; else all is refused."""
    try:
        check_order(order)
    except ValueError as error:
        assert_names_the_first_that_can_not_work(order, str(error))
        return
    expected = order if order and isinstance(order[0], TrainStage) else (TrainStage(), *order)
    steps = [step for step in planned(order).steps if isinstance(step.parameters, StageStep)]
    assert [step.title for step in steps] == [stage.kind for stage in expected]
    assert [set(step.inputs) for step in steps] == [
        {"pack", METHODS[stage.kind].takes or "pack", "teacher" if getattr(stage, "teachers", ()) else "pack"}
        for stage in expected
    ]
    there: set[str] = set()  # what the network has by then
    for asked, step in zip(expected, steps, strict=True):
        assert isinstance(step.parameters, StageStep)
        for field, kept in kept_by(step.parameters.stage).items():
            assert kept is (field in there if (choice := kept_by(asked)[field]) is None else choice)
            assert field in there or not kept
            there -= set() if kept else {field}
        match step.title:
            case "prune":
                there.add("preserve_sparsity")
            case "cluster":
                there.add("preserve_clusters")
            case "train" | "distill":
                there.clear()


def kept_by(stage: Stage) -> dict[str, bool | None]:
    """Return what a stage declares for each property that it can keep."""
    return stage.model_dump(include={"preserve_sparsity", "preserve_clusters"})


def assert_names_the_first_that_can_not_work(order: tuple[Stage, ...], message: str) -> None:
    """Assert that all stages before it are valid, and that the error names the accepted ones."""
    named = re.match(r"stages\[(\d+)\][. ].*; accepted: .+", message)
    assert named, message
    check_order(order[: int(named[1])])
    with pytest.raises(ValueError, match=re.escape(message)):
        check_order(order[: int(named[1]) + 1])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(STAGES, max_size=5).map(tuple))
def test_saying_outright_what_is_kept_changes_nothing(order: tuple[Stage, ...]) -> None:
    """It is accepted just as well, and gives the same steps."""
    try:
        check_order(order)
    except ValueError:
        return
    state, outright = NEW_NETWORK, []
    for stage in order:
        outright.append(with_choices_made(stage, state))
        state = after(state, stage)
    assert planned(tuple(outright)) == planned(order)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"keeps": {"zeros": "preserve_zeros"}},
            "names preserve_zeros; accepted: parameters of the method, kind, epochs",
        ),
        ({"undoes": {"zeros": "so"}, "keeps": {"zeros": None}}, "both keeps and undoes zeros"),
        (
            {"network": "epochs"},
            "accepted: either parameters derived from NewNetwork and a value for network, or neither",
        ),
        ({"takes": "teacher"}, "continues a network; accepted: takes='model'"),
        ({"gives": {"beauty"}}, "'zeros', 'shared_values', 'grid', 'shape'"),
        ({"promises": ["speed"]}, "'sparsity', 'pattern'"),
    ],
)
def test_a_method_whose_declaration_contradicts_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    """It is refused before an order is derived from it."""
    declared = {name: getattr(METHODS["prune"], name) for name in Method.model_fields}
    with pytest.raises(ValidationError, match=re.escape(message)):
        Method.model_validate(declared | changes)

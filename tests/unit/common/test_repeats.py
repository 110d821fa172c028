"""Pipelines repeated over seeds: the plan, the names, and what is shared."""

import pytest
from pydantic import ValidationError

from edgepress_common.plan import Plan, make_plan
from edgepress_common.repeats import Repetition
from edgepress_common.spec import JobSpec
from edgepress_common.steps import ExportStep, StageStep
from fakes.jobs import small_spec

UPLOADED = {"architecture": "uploaded", "sha256": "a" * 64, "pixels": "0_to_1"}


def plan(**changes: object) -> Plan:
    """Return the plan of a job with one device."""
    return make_plan(small_spec(**changes), fingerprint="f", devices=["pi"])


def stages(planned: Plan, name: str) -> list[StageStep]:
    """Return the stages of a pipeline."""
    (pipeline,) = (each for each in planned.pipelines if each.name == name)
    by_key = {step.key: step.parameters for step in planned.steps}
    return [found for key in pipeline.steps if isinstance(found := by_key[key], StageStep)]


PIPELINES = [
    {"name": "base", "exports": ["float32", "int8"]},
    {"name": "pruned", "stages": [{"kind": "prune"}], "exports": ["int8"]},
]


def test_each_pipeline_is_repeated_with_the_next_seeds() -> None:
    """The first repetition is the pipeline without seeds, step by step; the others have their seeds in every stage."""
    once, thrice = plan(pipelines=PIPELINES), plan(pipelines=PIPELINES, seeds=3)
    assert thrice.pipelines[:2] == once.pipelines
    assert [each.name for each in thrice.pipelines[2:]] == [
        "base, seed 1", "pruned, seed 1", "base, seed 2", "pruned, seed 2"
    ]  # fmt: skip
    assert [stage.training.seed for stage in stages(thrice, "pruned, seed 2")] == [2, 2]


def test_a_stages_own_seed_moves_with_the_others() -> None:
    """A student that has settings of its own is trained with other seeds, too."""
    distil = {"kind": "distill", "training": {"epochs": 2, "seed": 7}}
    pipelines = [{"name": "student", "stages": [{"kind": "train"}, distil], "exports": ["int8"]}]
    found = stages(plan(pipelines=pipelines, seeds=2), "student, seed 1")
    assert [stage.training.seed for stage in found] == [1, 8]


def test_repetitions_share_what_is_not_random() -> None:
    """The data set is packed once; of a network that is used as it is, only calibrated exports are repeated."""
    packs = [step for step in plan(pipelines=PIPELINES, seeds=3).steps if step.kind == "pack"]
    assert len(packs) == 1
    as_it_is = {"model": UPLOADED, "training": {"epochs": 0}}
    shared = plan(pipelines=PIPELINES[:1], seeds=2, **as_it_is)
    assert [step.title for step in shared.steps] == [
        "pack", "train", "float32", "float32 on pi", "int8", "int8 on pi", "int8", "int8 on pi"
    ]  # fmt: skip
    assert [step.parameters.seed for step in shared.steps if isinstance(step.parameters, ExportStep)] == [0, 0, 1]
    floats = [{"name": "base", "exports": ["float32"]}]
    assert [each.name for each in plan(pipelines=floats, seeds=5, **as_it_is).pipelines] == ["base"]


def test_a_spec_with_one_seed_is_written_as_before() -> None:
    """Clients of earlier versions can read it."""
    spec = small_spec()
    assert "seeds" not in spec.model_dump(mode="json")
    assert JobSpec.model_validate_json(small_spec(seeds=2).model_dump_json()).seeds == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": 0}, "greater than or equal to 1"),
        ({"seeds": 21}, "less than or equal to 20"),
        ({"seeds": 2, "training": {"seed": 2**31 - 1}}, "training.seed is 2147483647, and seeds 2"),
        ({"seeds": 20, "pipelines": [{"name": f"p{at}", "exports": ["int8"]} for at in range(11)]},
         "seeds is 20, which repeats the pipelines to 220; accepted: at most 200"),
        ({"seeds": 12, "pipelines": [{"name": "p" * 60, "exports": ["int8"]}]},
         "pipelines[0].name has 60 characters; accepted with seeds: at most 55"),
    ],
)  # fmt: skip
def test_seeds_that_can_not_be_planned_are_rejected(changes: dict[str, object], message: str) -> None:
    """The message has the value and what is accepted."""
    with pytest.raises(ValidationError) as caught:
        small_spec(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["base", "a, b", "pruned, seed x", "pruned seed 3"])
def test_other_names_are_not_repetitions(name: str) -> None:
    """They stand for themselves."""
    assert Repetition.of(name) == Repetition(name)
    assert Repetition.of(Repetition(name, 3).name) == Repetition(name, 3)

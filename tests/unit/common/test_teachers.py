"""Teachers of stages: which are accepted, and the steps that they become."""

from typing import Any

import pytest
from pydantic import ValidationError

from edgepress_common.plan import Plan, make_plan
from edgepress_common.spec import JobSpec
from edgepress_common.stage_words import stage_summary
from edgepress_common.steps import TEACHERS, StageStep, Step

PRUNE = {"kind": "prune"}
DISTILL = {"kind": "distill"}
BIG = {"name": "big", "stages": [{"kind": "train", "model": {"architecture": "resnet18"}}], "exports": ["int8"]}


def pipeline(name: str, *stages: dict[str, Any]) -> dict[str, Any]:
    """A pipeline with one export."""
    return {"name": name, "stages": list(stages), "exports": ["int8"]}


def plan(*pipelines: dict[str, Any], **changes: Any) -> Plan:
    """The plan of a job."""
    content: dict[str, Any] = {
        "name": "digits",
        "dataset": {"kind": "builtin", "image_size": 32},
        "model": {"architecture": "mobilenet_v2"},
        "pipelines": pipelines,
    }
    return make_plan(JobSpec.model_validate(content | changes), fingerprint="digits", devices=("any",))


def last_stage(planned: Plan, name: str) -> Step:
    """The last stage of a pipeline."""
    steps = {step.key: step for step in planned.steps}
    (keys,) = (each.steps for each in planned.pipelines if each.name == name)
    return [steps[key] for key in keys if steps[key].kind == "stage"][-1]


@pytest.mark.parametrize("kind", ["prune", "cluster", "quantize_aware"])
def test_the_source_is_the_network_as_it_was_trained(kind: str) -> None:
    """A stage learns from the network before pruning; after a distillation, from the student."""
    for before in (), (PRUNE,), (PRUNE, DISTILL):
        taught = {"kind": kind, "teacher": "source"}
        planned = plan(pipeline("taught", *before, taught), pipeline("student", *before[:2]), pipeline("base"))
        expected = last_stage(planned, "student" if len(before) == 2 else "base").key
        assert last_stage(planned, "taught").inputs["teacher"] == expected


def test_a_pipeline_comes_after_its_teachers_wherever_it_is_listed() -> None:
    """Their last networks are its inputs, in the order in which it names them; it lists only its own steps."""
    taught = PRUNE | {"teacher": ["big", "source", "distilled"]}
    planned = plan(pipeline("taught", taught), pipeline("distilled", DISTILL | {"teacher": "big"}), BIG)
    assert [each.name for each in planned.pipelines] == ["taught", "distilled", "big"]
    seen: set[str] = set()
    for step in planned.steps:
        assert set(step.inputs.values()) <= seen
        seen.add(step.key)
    steps = {step.key: step for step in planned.steps}
    inputs, big = last_stage(planned, "taught").inputs, last_stage(planned, "big").key
    assert [steps[inputs[role]].title for role in TEACHERS if role in inputs] == ["train", "train", "distill"]
    assert inputs["teacher"] == big == last_stage(planned, "distilled").inputs["teacher"]
    assert big not in planned.pipelines[0].steps


def test_each_seed_has_the_teachers_of_that_seed() -> None:
    """A repetition learns from the repetition of its teacher."""
    planned = plan(pipeline("taught", PRUNE | {"teacher": "big"}), BIG, seeds=2)
    for seed in "", ", seed 1":
        teacher = last_stage(planned, f"taught{seed}").inputs["teacher"]
        assert teacher == last_stage(planned, f"big{seed}").key


def test_an_offset_is_added_to_the_seed_of_the_job() -> None:
    """Equal seeds have equal keys, whether an offset or the training states them; the largest is followed by 0."""
    moved, stated, largest = (
        last_stage(plan(pipeline("p", {"kind": "train"} | changes), training={"seed": seed}), "p")
        for seed, changes in ((3, {"seed_offset": 1000}), (1003, {}), (2**31 - 1, {"seed_offset": 1}))
    )
    assert moved.key == stated.key
    assert isinstance(largest.parameters, StageStep)
    assert largest.parameters.training.seed == 0


def test_a_teacher_makes_another_step_and_its_name_does_not() -> None:
    """The words name it; the key depends on what it is."""
    taught, renamed = (
        last_stage(plan(pipeline("taught", PRUNE | {"teacher": name}), BIG | {"name": name}), "taught")
        for name in ("big", "large")
    )
    assert taught.key == renamed.key != last_stage(plan(pipeline("taught", PRUNE)), "taught").key
    assert isinstance(taught.parameters, StageStep)
    assert stage_summary(taught.parameters) == "prune to 50 % (polynomial), taught by big, 4 epochs"


@pytest.mark.parametrize("kind", ["prune", "cluster", "quantize_aware"])
def test_no_teacher_said_outright_is_the_stage_of_ever(kind: str) -> None:
    """Specs from before teachers existed give the same steps."""
    assert plan(pipeline("a", {"kind": kind})) == plan(pipeline("a", {"kind": kind, "teacher": "none"}))


def test_a_smaller_network_learns_from_the_one_it_came_from() -> None:
    """Methods that came with teachers have one by default."""
    inputs = last_stage(plan(pipeline("a", {"kind": "factorize"})), "a").inputs
    assert inputs["teacher"] == inputs["model"]


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([PRUNE | {"teacher": "large"}],
         (r"pipelines\[0\].stages\[0\].teacher is 'large', which is not a pipeline of this list; accepted: none, "
          "source, or one of big")),
        ([PRUNE | {"teacher": "taught"}], "wait for one another: 'taught' learns from 'taught'"),
        ([PRUNE | {"teacher": ["source", "none"]}], r"teacher\[1\] is none; accepted in a list"),
        ([PRUNE | {"teacher": ["big", "big"]}], r"teacher\[1\] repeats 'big'"),
        ([PRUNE | {"teacher": []}], "at least 1 item"),
        ([PRUNE | {"teacher": [f"t{n}" for n in range(6)]}], "at most 5 items"),
        ([PRUNE | {"teacher": "../big"}], "should match pattern"),
        ([PRUNE | {"alpha": 0.5}], "alpha is given, but the stage has no teacher; accepted: a teacher"),
        ([DISTILL | {"teacher": "none"}], "teacher is none; accepted: source"),
    ],
)  # fmt: skip
def test_a_teacher_that_can_not_be_is_refused(stages: list[dict[str, Any]], message: str) -> None:
    """Which, and what is accepted."""
    with pytest.raises(ValidationError, match=message):
        plan(pipeline("taught", *stages), BIG)


def test_pipelines_that_wait_for_one_another_are_refused() -> None:
    """Each would be the teacher of the other."""
    with pytest.raises(ValidationError, match=r"'(.)' learns from '(?!\1).' learns from '\1'"):
        plan(pipeline("a", PRUNE | {"teacher": "b"}), pipeline("b", PRUNE | {"teacher": "a"}))


def test_a_long_chain_of_teachers_is_planned_at_once() -> None:
    """The largest number of pipelines of a job, each with the five before it as teachers."""
    chain = [
        pipeline(f"p{n}", PRUNE | {"teacher": [f"p{m}" for m in range(max(0, n - 5), n)] or "source"})
        for n in range(200)
    ]
    assert len(plan(*reversed(chain)).pipelines) == 200

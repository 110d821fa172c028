"""How a spec becomes steps."""

from collections import Counter
from typing import Any

from edgepress_common.plan import Plan, make_plan
from edgepress_common.spec import JobSpec
from edgepress_common.steps import StageStep


def plan(fingerprint: str = "digits", devices: tuple[str, ...] = ("any",), **changes: Any) -> Plan:
    """The plan of a small job, with changes."""
    content: dict[str, Any] = {
        "name": "digits",
        "dataset": {"kind": "builtin", "image_size": 32},
        "model": {"architecture": "resnet18"},
        "training": {"epochs": 2, "seed": 1},
        "pipelines": [{"name": "base", "exports": ["float32", "int8"]}],
    }
    return make_plan(JobSpec.model_validate(content | changes), fingerprint=fingerprint, devices=devices)


def kinds(plan: Plan) -> Counter[str]:
    """How many steps of each kind."""
    return Counter(step.kind for step in plan.steps)


def test_a_pipeline_is_packed_trained_exported_and_evaluated() -> None:
    """Each export is measured on each device."""
    assert kinds(plan(devices=("pi", "host"))) == {"pack": 1, "stage": 1, "export": 2, "evaluation": 4}


def test_every_step_comes_after_its_inputs() -> None:
    """The order is one in which the steps can run."""
    seen: set[str] = set()
    for step in plan(devices=("pi", "host")).steps:
        assert set(step.inputs.values()) <= seen
        seen.add(step.key)


def test_pipelines_share_what_they_have_in_common() -> None:
    """The network is trained once, whether a pipeline says so or not; equal exports are one step."""
    shared = plan(
        pipelines=[
            {"name": "a", "exports": ["float32"]},
            {"name": "b", "stages": [{"kind": "train"}], "exports": ["float32", "int8"]},
        ]
    )
    assert kinds(shared) == {"pack": 1, "stage": 1, "export": 2, "evaluation": 2}
    assert set(shared.pipelines[0].steps) < set(shared.pipelines[1].steps)


def test_a_stage_may_train_another_network() -> None:
    """With settings of its own, those are in force, and it is another step."""
    own = {"kind": "train", "model": {"architecture": "mobilenet_v2"}, "training": {"epochs": 5}}
    other = plan(
        pipelines=[{"name": "a", "exports": ["int8"]}, {"name": "student", "stages": [own], "exports": ["int8"]}]
    )
    stages = [step.parameters for step in other.steps if isinstance(step.parameters, StageStep)]
    assert [(stage.model.architecture, stage.training.epochs) for stage in stages] == [
        ("resnet18", 2),
        ("mobilenet_v2", 5),
    ]


def test_names_do_not_matter_and_everything_else_does() -> None:
    """A key changes with what the output depends on, all the way down, and with nothing else."""
    first = plan()
    renamed = plan(name="other", pipelines=[{"name": "renamed", "exports": ["float32", "int8"]}])
    assert [step.key for step in first.steps] == [step.key for step in renamed.steps]
    for changed in (
        plan(fingerprint="other digits"),
        plan(dataset={"kind": "builtin", "image_size": 40}),
    ):
        assert not {step.key for step in first.steps} & {step.key for step in changed.steps}
    reseeded = plan(training={"epochs": 2, "seed": 2})
    common = {step.key for step in first.steps} & {step.key for step in reseeded.steps}
    assert common == {first.steps[0].key}


def test_how_it_is_measured_changes_only_the_evaluations() -> None:
    """Another number of threads measures again and trains nothing."""
    first, second = plan(), plan(evaluation={"threads": [2]})
    shared = {step.key for step in first.steps} & {step.key for step in second.steps}
    assert {step.kind for step in first.steps if step.key not in shared} == {"evaluation"}

"""The presets: their pipelines, and the steps that they share."""

from collections import Counter

import pytest

from edgepress_common.plan import Plan, make_plan
from edgepress_common.spec import BuiltinDataset, JobSpec, Model, StageKind
from edgepress_common.spec.presets import PRESETS, PresetName
from edgepress_common.steps import StageStep, Step

STUDIED = ["float32", "float16", "dynamic", "int16x8", "int8"]
"""The exports of the study, which the presets have; ``int4`` came later."""


def planned(preset: PresetName) -> Plan:
    """The plan of a job that asks for a preset."""
    spec = JobSpec(
        name="digits",
        dataset=BuiltinDataset(image_size=32),
        model=Model(architecture="resnet18"),
        pipelines=preset,
    )
    return make_plan(spec, fingerprint="digits", devices=("any",))


def stages_of(plan: Plan, pipeline: str) -> list[Step]:
    """The stages that a pipeline needs, in order."""
    (needed,) = (each.steps for each in plan.pipelines if each.name == pipeline)
    return [step for step in plan.steps if step.key in needed and step.kind == "stage"]


def test_the_papers_matrix_is_complete() -> None:
    """Every method of its final comparison, under its name, in every export of the study."""
    assert [pipeline.name for pipeline in PRESETS["paper"]] == [
        "base", "PR constant", "PR", "CL KPP 32", "CL LIN 32", "CL KPP 256", "PR CL", "QAT", "PQAT", "CQAT", "PCQAT",
        "distillation", "student alone",
    ]  # fmt: skip
    for pipeline in PRESETS["paper"]:
        assert [export.kind for export in pipeline.exports] == STUDIED


@pytest.mark.parametrize(
    ("preset", "shared", "alone"),
    [
        ("paper", {"train": 2, "prune": 2, "cluster": 5, "quantize_aware": 4, "distill": 1}, 29),
        ("quick", {"train": 1, "prune": 1, "cluster": 1, "quantize_aware": 2, "distill": 1}, 9),
        ("distillation", {"train": 4, "distill": 6}, 15),
        ("patient", {"train": 1, "distill": 2}, 5),
        ("ensemble", {"train": 3, "fine_tune": 3}, 9),
    ],
)
def test_what_pipelines_have_in_common_is_done_once(
    preset: PresetName, shared: dict[StageKind, int], alone: int
) -> None:
    """The number of stages of each kind is given, and their sum if each pipeline ran separately."""
    plan = planned(preset)
    assert Counter(step.title for step in plan.steps if step.kind == "stage") == shared
    assert sum(len(stages_of(plan, pipeline.name)) for pipeline in plan.pipelines) == alone


def test_the_papers_network_is_trained_once_and_pruned_once_for_all_that_start_from_half() -> None:
    """PR, PR CL, PQAT and PCQAT share their pruning; PR CL and PCQAT their clustering, which is not that of CQAT."""
    plan = planned("paper")
    trained = {stages_of(plan, pipeline.name)[0].key for pipeline in plan.pipelines[:-1]}
    assert len(trained) == 1
    assert len({stages_of(plan, name)[1].key for name in ("PR", "PR CL", "PQAT", "PCQAT")}) == 1
    assert stages_of(plan, "PR CL")[2] == stages_of(plan, "PCQAT")[2]
    assert stages_of(plan, "CQAT")[1] != stages_of(plan, "PCQAT")[2]


def test_the_student_alone_is_trained_just_as_the_distilled_one() -> None:
    """The same network for as many epochs, with the same settings: only the teacher makes a difference."""
    plan = planned("paper")
    distilled, alone = stages_of(plan, "distillation")[-1].parameters, stages_of(plan, "student alone")[-1].parameters
    assert isinstance(distilled, StageStep)
    assert isinstance(alone, StageStep)
    assert (distilled.model, distilled.training) == (alone.model, alone.training)


def test_the_quick_preset_ends_in_int8() -> None:
    """Which is what it is about; the network as trained comes in every export of the study, to compare with."""
    base, *others = PRESETS["quick"]
    assert [export.kind for export in base.exports] == STUDIED
    assert all(pipeline.exports[-1].kind == "int8" for pipeline in others)


def test_each_member_of_an_ensemble_is_taught_by_all_of_them() -> None:
    """They are trained with different seeds, and each goes on from its own network."""
    plan = planned("ensemble")
    members = [stages_of(plan, f"member {number}")[-1] for number in (1, 2, 3)]
    assert len({member.key for member in members}) == 3
    for number, member in enumerate(members, start=1):
        taught = stages_of(plan, f"member {number} by all")[-1]
        assert taught.inputs["model"] == member.key
        assert {taught.inputs[role] for role in ("teacher", "teacher_2", "teacher_3")} == {each.key for each in members}


def test_an_assistant_teaches_the_student_and_is_taught_by_the_network() -> None:
    """The direct way has the same student, with the same settings."""
    plan = planned("distillation")
    base, assistant, student = stages_of(plan, "assistant")
    direct = stages_of(plan, "direct")[-1]
    assert (assistant.inputs["teacher"], student.inputs["teacher"]) == (base.key, assistant.key)
    assert direct.parameters == student.parameters
    assert direct.inputs["teacher"] == base.key

"""How a spec becomes steps."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from edgepress_common.plan import PROBE_IMAGES, Plan, make_plan
from edgepress_common.spec import ClusterStage, JobSpec, Model, QuantizeAwareStage
from edgepress_common.spec.exports.int8 import Int8Export
from edgepress_common.spec.space import probe_of
from edgepress_common.stage_words import stage_summary
from edgepress_common.steps import EvaluationStep, ExportStep, StageStep, make_step

PRUNE = {"kind": "prune"}
CLUSTER = {"kind": "cluster"}
QUANTIZE = {"kind": "quantize_aware"}
DISTILL = {"kind": "distill"}
LARGER = {"kind": "builtin", "image_size": 64}


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


def staged(*stages: dict[str, Any], **changes: Any) -> list[StageStep]:
    """Return the settings of the stages in the plan of a small job with one pipeline."""
    planned = plan(pipelines=[{"name": "a", "stages": list(stages), "exports": ["int8"]}], **changes)
    return [step.parameters for step in planned.steps if isinstance(step.parameters, StageStep)]


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


def test_all_widths_are_cut_out_of_one_training() -> None:
    """A cut trains nothing: the pipelines differ from it on."""
    widths = plan(
        pipelines=[
            {"name": f"{width}", "stages": [{"kind": "elastic"}, {"kind": "cut", "width": width}], "exports": ["int8"]}
            for width in (0.25, 0.5, 0.75)
        ]
    )
    stages = [step.parameters for step in widths.steps if isinstance(step.parameters, StageStep)]
    assert [(each.stage.kind, each.training.epochs) for each in stages] == [
        ("train", 2), ("elastic", 4), ("cut", 0), ("cut", 0), ("cut", 0),
    ]  # fmt: skip


SMALL = ({"kind": "elastic", "image_sizes": [48, 32]}, {"kind": "cut", "image_size": 48})
AT_64: dict[str, Any] = {"dataset": {"kind": "builtin", "image_size": 64}}


def test_a_cut_to_smaller_images_has_a_pack_of_its_own() -> None:
    """The cut, the stages after it, exports and evaluations use it; teachers are the networks of before."""
    small = plan(
        **AT_64,
        pipelines=[
            {"name": "whole", "exports": ["int8"]},
            {"name": "small", "stages": [*SMALL, {"kind": "prune"}], "exports": ["int8"]},
        ],
    )
    packs = {step.key: step.parameters.dataset.image_size for step in small.steps if step.parameters.kind == "pack"}
    assert sorted(packs.values()) == [48, 64]
    sizes = [(step.title, packs[step.inputs["pack"]]) for step in small.steps if step.kind != "pack"]
    assert sizes == [
        ("train", 64), ("int8", 64), ("int8 on any", 64),
        ("elastic", 64), ("cut", 48), ("prune", 48), ("int8", 48), ("int8 on any", 48),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (({"kind": "elastic", "image_sizes": [64]},),
         r"stages\[0\].image_sizes has 64, and the images have 64 pixels; accepted: less than 64"),
        (({"kind": "elastic", "image_sizes": [16]},),
         r"stages\[0\].image_sizes is 16, too small for resnet18; accepted: 32 or more"),
        ((*SMALL, {"kind": "fine_tune"}),
         (r"stages\[2\].teacher is 'source', which takes images of 64 pixels, and the images have 48 at that point; "
          "accepted: none, or a network for images of 48 pixels")),
        ((*SMALL, {"kind": "fine_tune", "teacher": "whole"}), r"stages\[2\].teacher is 'whole', which takes images"),
    ],
)  # fmt: skip
def test_image_sizes_that_do_not_fit_are_refused(stages: Any, message: str) -> None:
    """Elastic networks are for smaller images; teachers see the images of the stage."""
    pipelines = [{"name": "whole", "exports": ["int8"]}, {"name": "small", "stages": stages, "exports": ["int8"]}]
    with pytest.raises(ValidationError, match=message):
        plan(**AT_64, pipelines=pipelines)


def test_a_cut_network_can_teach_others_for_its_images() -> None:
    """Its student sees the images that it sees; so does the network of another pipeline that was cut to the size."""
    pipelines = [
        {"name": "small", "stages": [*SMALL, {"kind": "distill"}], "exports": ["int8"]},
        {"name": "taught", "stages": [*SMALL, {"kind": "fine_tune", "teacher": "small"}], "exports": ["int8"]},
    ]
    assert kinds(plan(**AT_64, pipelines=pipelines))["pack"] == 2


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
    """Its own settings are effective, and it is another step."""
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
    """A key changes with each value that the output depends on, directly or not, and with no other."""
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


@pytest.mark.parametrize(
    ("stages", "kept"),
    [
        ((CLUSTER,), [(False, None)]),
        ((PRUNE, CLUSTER), [(True, None)]),
        ((PRUNE, CLUSTER | {"preserve_sparsity": False}, QUANTIZE), [(False, None), (False, True)]),
        ((QUANTIZE,), [(False, False)]),
        ((PRUNE, QUANTIZE), [(True, False)]),
        ((CLUSTER, QUANTIZE), [(False, None), (False, True)]),
        ((PRUNE, CLUSTER, QUANTIZE), [(True, None), (True, True)]),
        ((PRUNE, CLUSTER, QUANTIZE | {"preserve_clusters": False}), [(True, None), (True, False)]),
        ((PRUNE, DISTILL, CLUSTER, QUANTIZE), [(False, None), (False, True)]),
    ],
)
def test_what_was_done_before_is_kept_unless_told_otherwise(
    stages: tuple[dict[str, Any], ...], kept: list[tuple[bool, bool | None]]
) -> None:
    """They are kept by default, and the plan states it explicitly: zeros, and shared values."""
    found = [step.stage for step in staged(*stages)]
    assert [
        (stage.preserve_sparsity, stage.preserve_clusters if isinstance(stage, QuantizeAwareStage) else None)
        for stage in found
        if isinstance(stage, ClusterStage | QuantizeAwareStage)
    ] == kept


@pytest.mark.parametrize(("stage", "rate"), [(PRUNE, 0.05), (CLUSTER, 0.005), (QUANTIZE, 0.005)])
def test_a_stage_that_goes_on_has_settings_of_its_own(stage: dict[str, Any], rate: float) -> None:
    """Its epochs, its rate (prune: the job's; others: a tenth) and estimated statistics; the rest is the job's."""
    training = {
        "epochs": 9,
        "learning_rate": 0.05,
        "batch_size": 48,
        "warmup_epochs": 2,
        "early_stopping": {},
        "seed": 3,
    }
    trained, as_it_comes = staged(stage, training=training)
    _, told = staged(stage | {"epochs": 2, "learning_rate": 0.01}, training=training)
    assert (trained.training.epochs, trained.training.warmup_epochs) == (9, 2)
    assert trained.training.batch_norm_statistics == "moving"
    fixed = {"warmup_epochs": 0, "early_stopping": None, "batch_norm_statistics": "estimated"}
    for step, epochs, peak in ((as_it_comes, 4, rate), (told, 2, 0.01)):
        expected = fixed | {"epochs": epochs, "learning_rate": peak}
        assert step.training == trained.training.model_copy(update=expected)
        assert step.model == trained.model


def test_the_effective_rate_given_explicitly_is_the_same_step() -> None:
    """The same holds for other settings that equal the effective ones."""
    assert staged(PRUNE) == staged(PRUNE | {"learning_rate": 0.001, "epochs": 4}, model={"architecture": "resnet18"})


def test_a_student_learns_from_the_network_before_it_and_is_the_network_from_then_on() -> None:
    """The teacher is an input of its own kind; later stages continue from the student."""
    student = {"architecture": "mobilenet_v2", "width": 0.5}
    planned = plan(
        pipelines=[
            {"name": "a", "stages": [PRUNE, DISTILL | {"student": student}, QUANTIZE], "exports": ["int8"]},
            {"name": "b", "stages": [PRUNE], "exports": ["int8"]},
        ]
    )
    steps = {step.title: step for step in planned.steps if isinstance(step.parameters, StageStep)}
    pack = planned.steps[0].key
    assert {title: step.inputs for title, step in steps.items()} == {
        "train": {"pack": pack},
        "prune": {"pack": pack, "model": steps["train"].key},
        "distill": {"pack": pack, "teacher": steps["prune"].key},
        "quantize_aware": {"pack": pack, "model": steps["distill"].key},
    }
    networks = [step.parameters.model.architecture for step in steps.values() if isinstance(step.parameters, StageStep)]
    assert networks == ["resnet18", "resnet18", "mobilenet_v2", "mobilenet_v2"]


def test_a_student_is_trained_as_the_network_would_be_or_as_it_is_told() -> None:
    """It is trained from scratch, so at the full rate."""
    training = {"epochs": 9, "learning_rate": 0.05, "warmup_epochs": 2}
    trained, distilled = staged(DISTILL, training=training)
    assert distilled.training == trained.training
    told = staged(DISTILL | {"training": {"epochs": 3}}, training=training)[1]
    assert (told.training.epochs, told.training.learning_rate) == (3, 0.001)


def test_a_network_of_a_pipelines_own_is_what_its_stages_go_on_from() -> None:
    """The network of the job does not matter."""
    own = {"kind": "train", "model": {"architecture": "mobilenet_v2"}}
    assert [step.model.architecture for step in staged(own, PRUNE, CLUSTER)] == ["mobilenet_v2"] * 3


def test_pipelines_share_their_stages_as_far_as_they_are_equal() -> None:
    """Another setting makes another step of it, and of all that follows."""
    shared = plan(
        pipelines=[
            {"name": "PR", "stages": [PRUNE], "exports": ["int8"]},
            {"name": "PQAT", "stages": [PRUNE, QUANTIZE], "exports": ["int8"]},
            {"name": "PCQAT", "stages": [PRUNE, CLUSTER, QUANTIZE], "exports": ["int8"]},
            {"name": "all but the first", "stages": [PRUNE | {"layers": {"exclude": ["first"]}}], "exports": ["int8"]},
        ]
    )
    assert [step.title for step in shared.steps if step.kind == "stage"] == [
        "train", "prune", "quantize_aware", "cluster", "quantize_aware", "prune"
    ]  # fmt: skip


def test_int8_files_of_uploaded_models_from_before_a_fix_are_not_used() -> None:
    """Only uploaded models have the layers that were wrong: other networks, and other exports, keep their keys."""
    uploaded = {"architecture": "uploaded", "sha256": "a" * 64, "pixels": "0_to_1"}
    student = {"kind": "distill", "student": {"architecture": "mobilenet"}}
    planned = plan(
        model=uploaded,
        pipelines=[
            {"name": "as it is", "exports": ["float32", "int8"]},
            {"name": "student", "stages": [student], "exports": ["int8"]},
        ],
    )
    exports = [step for step in planned.steps if isinstance(step.parameters, ExportStep)]
    assert [step.title for step in exports] == ["float32", "int8", "int8"]
    before = [
        make_step("", step.parameters.model_copy(update={"uploaded_code": 1}), step.inputs).key for step in exports
    ]
    assert [step.key == key for step, key in zip(exports, before, strict=True)] == [True, False, True]


def test_how_zeros_are_stored_is_another_export_of_the_same_model() -> None:
    """Which shares all stages with the others."""
    stored = plan(
        pipelines=[
            {"name": "a", "stages": [PRUNE], "exports": ["int8", {"kind": "int8", "encoding": "dense"}]},
            {"name": "b", "stages": [PRUNE], "exports": [{"kind": "int8", "encoding": "smallest"}]},
        ]
    )
    assert kinds(stored) == {"pack": 1, "stage": 2, "export": 2, "evaluation": 2}


@pytest.mark.parametrize(
    ("dataset", "fingerprint", "key"),
    [
        (
            {"kind": "builtin", "image_size": 32},
            "digits",
            "88d877ff408a8347f778247cb423fe51510894dc0333a87422454011b9579d32",
        ),
        (
            {"kind": "nct-crc-he"},
            "NCT-CRC-HE-100K",
            "b8736de35c4af02dad819e183254097c1af81b271c8b7a834427a20cef43d10c",
        ),
    ],
)
def test_a_set_without_a_test_part_has_the_key_that_it_always_had(
    dataset: dict[str, Any], fingerprint: str, key: str
) -> None:
    """Steps that were finished before test parts were introduced are not repeated."""
    assert plan(dataset=dataset, fingerprint=fingerprint).steps[0].key == key


def test_where_a_set_lies_makes_no_other_step_and_what_it_holds_does() -> None:
    """A copied folder trains nothing again."""
    folders = [{"kind": "folder", "path": path, "image_size": 32} for path in ("/data/one", "/data/other")]
    one, other = (plan(dataset=folder, fingerprint="a").steps[0] for folder in folders)
    assert one.key == other.key
    assert plan(dataset=folders[0], fingerprint="b").steps[0].key != one.key
    assert plan(dataset=folders[0] | {"test_fraction": 0.1}, fingerprint="a").steps[0].key != one.key
    assert plan(dataset=folders[0] | {"groups": {"pattern": "(p)"}}, fingerprint="a").steps[0].key != one.key


def test_a_probe_is_measured_on_a_few_images() -> None:
    """Its steps do not depend on the training of the job, so that all jobs share them."""
    network = Model(architecture="resnet18")
    pipeline = probe_of("probe 1", network, keep_macs=0.5, described=(1.0, 0.5), export=Int8Export())
    first, second = (
        plan(devices=("pi",), pipelines=[pipeline.model_dump()], training={"epochs": epochs}) for epochs in (1, 2)
    )
    assert [step.key for step in first.steps] == [step.key for step in second.steps]
    assert [step.title for step in first.steps] == ["pack", "probe", "int8", "int8 on pi"]
    measured = first.steps[-1].parameters
    assert isinstance(measured, EvaluationStep)
    assert (measured.full_pass, measured.images) == (False, PROBE_IMAGES)


def test_a_network_for_smaller_images_has_its_own_pack() -> None:
    """For its training, its exports and its evaluations; the same size as the data set's changes nothing."""
    small = [{"kind": "train", "image_size": 48}, CLUSTER]
    planned = plan(
        dataset=LARGER,
        pipelines=[
            {"name": "base", "exports": ["int8"]},
            {"name": "small", "stages": small, "exports": ["int8"]},
            {"name": "same", "stages": [{"kind": "train", "image_size": 64}], "exports": ["int8"]},
        ],
    )
    steps = {step.key: step for step in planned.steps}
    packs = {step.title: key for key, step in steps.items() if step.kind == "pack"}
    assert set(packs) == {"pack", "pack at 48 pixels"}
    by_name = {pipeline.name: pipeline.steps for pipeline in planned.pipelines}
    assert by_name["same"] == by_name["base"]
    used = {name: {steps[key].inputs["pack"] for key in keys if steps[key].inputs} for name, keys in by_name.items()}
    assert used["base"] == {packs["pack"]}
    assert used["small"] == {packs["pack at 48 pixels"]}
    (train, _) = (step.parameters for step in map(steps.get, by_name["small"]) if step and step.kind == "stage")
    assert isinstance(train, StageStep)
    assert "images of 48 pixels" in stage_summary(train)


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({"kind": "train", "image_size": 16, "model": {"architecture": "mobilenet_v2"}},
         r"stages\[0\].image_size is 16, too small for mobilenet_v2; accepted: 32 or more"),
        ({"kind": "train", "image_size": 48, "model": {"architecture": "uploaded", "sha256": "a" * 64,
                                                       "pixels": "0_to_1"}},
         "image_size is 48, but an uploaded network takes the images of the data set; accepted: null, or 64"),
    ],
)  # fmt: skip
def test_images_that_a_network_does_not_take_are_refused(stage: dict[str, Any], words: str) -> None:
    """Before anything is packed."""
    with pytest.raises(ValidationError, match=words):
        staged(stage, dataset=LARGER)


def test_a_student_for_smaller_images_needs_a_teacher_for_them() -> None:
    """The teacher predicts the same images as the student."""
    with pytest.raises(ValidationError, match="takes images of 64 pixels, and the images have 48 at that point"):
        staged(DISTILL | {"image_size": 48}, dataset=LARGER)
    first, second = staged({"kind": "train", "image_size": 48}, DISTILL, dataset=LARGER)
    assert (first.stage.kind, second.stage.kind) == ("train", "distill")

"""Specs with a search: what they mean, the space, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from edgepress_common.frozen import ANSWER
from edgepress_common.plan import make_plan
from edgepress_common.spec import JobSpec, Model, Training
from edgepress_common.spec.search import SEARCHES, Search
from edgepress_common.spec.space import Space, members, networks_of, options, pipeline_of

CONTENT: dict[str, Any] = {
    "name": "digits",
    "dataset": {"kind": "builtin", "image_size": 32},
    "model": {"architecture": "resnet18"},
}
RESNET18 = Model(architecture="resnet18")


def spec_with(search: object, **changes: object) -> JobSpec:
    """Return a spec with a search."""
    return JobSpec.model_validate(CONTENT | {"search": search} | changes)


def test_a_search_needs_no_pipelines() -> None:
    """Without a search the default is a preset; with one there are none, also after the trip through JSON."""
    assert JobSpec.model_validate(CONTENT).pipelines == "quick"
    spec = spec_with({})
    assert spec.pipelines is None
    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec_with({}, pipelines="quick").pipelines == "quick"


def test_a_spec_without_a_search_is_written_as_before() -> None:
    """Clients of earlier versions refuse fields that they do not know."""
    assert "search" not in JobSpec.model_validate(CONTENT).model_dump(mode="json")


@pytest.mark.parametrize("name", SEARCHES)
def test_a_preset_is_a_search(name: str) -> None:
    """Each has its objectives under its limits; find-best has no limits."""
    search = spec_with(name).searched()
    assert search == SEARCHES[name]  # type: ignore[index]
    assert (
        search.criteria()
        == {
            "find-fastest": ("latency", "accuracy"),
            "find-smallest": ("coded", "accuracy"),
            "find-best": ("accuracy", "latency", "coded"),
        }[name]
    )


def test_the_limits_of_a_search_are_goals_too() -> None:
    """The report then recommends no file that the search would refuse."""
    goals = spec_with({"limits": {"max_latency_ms": 8}}, goals={"max_zip_bytes": 1000}).all_goals()
    assert (goals.max_latency_ms, goals.max_zip_bytes) == (8, 1000)
    assert JobSpec.model_validate(CONTENT).all_goals() == JobSpec.model_validate(CONTENT).goals


def test_the_default_space_has_the_networks_widths_and_small_ones() -> None:
    """Narrower networks only; those with ImageNet weights have widths for which weights exist."""
    assert [network.title for network in networks_of(Space(), RESNET18)] == [
        "resnet18", "resnet18 0.75", "resnet18 0.5", "resnet18 0.25", "resnet18_postactivation 0.25",
        "resnet18_postactivation 0.5", "mobilenet_v2 0.35", "mobilenet_v3_small_minimalistic",
    ]  # fmt: skip
    half = Model(architecture="mobilenet_v2", weights="imagenet", width=0.5)
    assert [network.title for network in networks_of(Space(), half)][:3] == [
        "mobilenet_v2 0.5 from imagenet", "mobilenet_v2 0.35 from imagenet", "resnet18_postactivation 0.25"
    ]  # fmt: skip


def test_each_member_is_a_pipeline_and_no_two_are_the_same() -> None:
    """All members of the default space pass the validation of a spec."""
    found = members(Space(), RESNET18)
    choices = options(Space(), RESNET18)
    assert 1000 < len(found) < 2000
    settings: dict[str, Any] = {"space": Space(), "model": RESNET18, "training": Training(), "share": 1.0}
    pipelines = [pipeline_of("one", member, **settings) for member in found]
    assert len({(pipeline.stages, pipeline.exports) for pipeline in pipelines}) == len(found)
    used = {(name, label) for member in found for name, label in member.items()}
    assert used == {(name, label) for name, labels in choices.items() for label in labels}


def test_the_stages_of_a_member_are_those_of_its_choices() -> None:
    """Screening shortens all stages but the training of a teacher, which the reference shares."""
    choices = {"network": "resnet18 0.5", "teacher": "source", "keep_macs": "0.5", "zeros": "0.8", "clusters": "16"}
    member = choices | {"quantize_aware": "yes", "export": "int8"}
    assert member in members(Space(), RESNET18)
    full = pipeline_of("one", member, Space(), model=RESNET18, training=Training(epochs=9), share=1)
    assert [stage.kind for stage in full.stages] == [
        "train", "distill", "prune_channels", "prune", "cluster", "quantize_aware"
    ]  # fmt: skip
    teacher, student, channels, *_ = full.stages
    assert (teacher.training, student.training) == (None, None)  # type: ignore[attr-defined]
    assert (student.student.width, channels.target.keep) == (0.5, 0.5)  # type: ignore[attr-defined]
    short = pipeline_of("one", member, Space(), model=RESNET18, training=Training(epochs=9), share=0.34)
    assert short.stages[0] == teacher
    assert short.stages[1].training.epochs == 4  # type: ignore[attr-defined]
    assert [stage.epochs for stage in short.stages[2:]] == [2, 2, 2, 2]  # type: ignore[attr-defined]


def test_int4_is_trained_with_four_bits() -> None:
    """Quantization-aware training knows the export's bits."""
    member = next(
        each for each in members(Space(), RESNET18) if (each["export"], each["quantize_aware"]) == ("int4", "yes")
    )
    pipeline = pipeline_of("one", member, Space(), model=RESNET18, training=Training(), share=1)
    assert (pipeline.stages[-1].bits, pipeline.stages[-1].scales) == (4, "learned")  # type: ignore[attr-defined]


def test_members_with_the_same_training_share_its_step() -> None:
    """The plan of two members that differ in their export has one training."""
    space = Space(zeros=(0.0,), clusters=(0,), quantize_aware=(False,), keep_macs=(1.0,), teachers=("none",))
    found = members(space, RESNET18)[:2]
    settings: dict[str, Any] = {"space": space, "model": RESNET18, "training": Training(), "share": 1}
    pipelines = [pipeline_of(f"t{at}", member, **settings) for at, member in enumerate(found)]
    plan = make_plan(JobSpec.model_validate(CONTENT | {"pipelines": pipelines}), fingerprint="x", devices=("pi",))
    assert sorted(step.title for step in plan.steps) == ["int4", "int4 on pi", "int8", "int8 on pi", "pack", "train"]


def test_values_with_the_same_name_have_different_labels() -> None:
    """Two int8 exports with different settings are two choices."""
    space = Space.model_validate({"exports": ["int8", {"kind": "int8", "calibration": {"ranges": "mse"}}, "int4"]})
    assert list(options(space, RESNET18)["export"]) == ["int8", "int8 #2", "int4"]


@pytest.mark.parametrize(
    ("search", "changes", "words"),
    [
        ({"objectives": []}, {}, "at least 1 item"),
        ({"objectives": ["beauty"]}, {}, "beauty|literal"),
        (
            {"objectives": ["latency", "latency"]},
            {},
            r"objectives\[1\] repeats 'latency'; accepted: each",
        ),
        ({"limits": {"max_latency": 8}}, {}, "Extra inputs"),
        ({"limits": {"max_latency_ms": 0}}, {}, "greater than 0"),
        (
            {"limits": {"max_latency_ms": 8}},
            {"goals": {"max_latency_ms": 5}},
            r"search.limits.max_latency_ms is 8, but goals.max_latency_ms is 5; accepted: one of them, or the same",
        ),
        ({"device": "pi9"}, {}, "search.device is 'pi9', which evaluation.devices does not name; accepted: any, or"),
        ({"budget": {"trials": 2}}, {}, "finalists is 3, but budget.trials is 2; accepted: at most"),
        ({"budget": {"trials": 0}}, {}, "greater than or equal to 1"),
        ({"budget": {"hours": 0}}, {}, "greater than 0"),
        ({"strategy": "guess"}, {}, "knee_guided"),
        ({"space": {"zeros": []}}, {}, "at least 1 item"),
        ({"space": {"networks": []}}, {}, "at least 1 item"),
        ({"space": {"zeros": [0.5, 0.5]}}, {}, r"zeros\[1\] repeats a value; accepted: each value once"),
        ({"space": {"clusters": [1]}}, {}, "clusters has 1, .* accepted: 0, or 2 to 256"),
        (
            {"space": {"exports": ["int4"], "clusters": [16], "quantize_aware": [True]}},
            {},
            "search.space has no combination that is a pipeline: .*the export is int4, but quantize_aware has trained",
        ),
        (
            {"space": {"networks": [{"architecture": "resnet18"}], "teachers": ["source"]}},
            {},
            "no combination that is a pipeline: the job's network is not taught by itself; accepted: values of which",
        ),
        (
            {"space": {name: [share / 20 for share in range(1, 20)] for name in ("zeros", "keep_macs")}},
            {},
            r"search.space has \d+ combinations; accepted: at most 20000",
        ),
        ({}, {"seeds": 3}, "seeds is 3 next to a search; accepted: search.seeds"),
        ({}, {"training": {"epochs": 0}}, "training.epochs is 0, but resnet18 has no trained weights"),
        (None, {"pipelines": None}, "null without a search; accepted: a preset, or at least 1 pipeline"),
        ("find-nothing", {}, "find-fastest"),
    ],
)
def test_what_can_not_be_searched_is_refused_in_words(search: object, changes: dict[str, Any], words: str) -> None:
    """The message has the field, the value and what is accepted."""
    with pytest.raises(ValidationError, match=words):
        spec_with(search, **changes)


def test_a_network_of_the_space_needs_large_enough_images() -> None:
    """The same check as for any network of the spec."""
    dataset = {"kind": "builtin", "image_size": 16}
    with pytest.raises(ValidationError, match=r"dataset\.image_size is 16, too small for"):
        spec_with({}, dataset=dataset)


def test_an_answer_with_unknown_kinds_is_read() -> None:
    """A client reads the spec of a gateway with extensions."""
    content = spec_with({}).model_dump(mode="json")
    content["search"]["objectives"] = ["energy of later"]
    content["search"]["space"]["exports"] = [{"kind": "int2"}]
    read = JobSpec.model_validate(content, context=ANSWER)
    assert isinstance(read.search, Search)
    assert read.search.objectives == ("energy of later",)


def test_a_posted_search_is_read_strictly() -> None:
    """The gateway reads JSON without conversions: a list is a list, and text is not a number."""
    spec = spec_with({"budget": {"trials": 5}, "space": {"zeros": [0, 0.5]}})
    assert JobSpec.model_validate_json(spec.model_dump_json(), strict=True) == spec
    listed = JobSpec.model_validate(CONTENT | {"pipelines": [{"name": "a", "exports": ["int8"]}]})
    assert JobSpec.model_validate_json(listed.model_dump_json(), strict=True) == listed


def with_sizes(*sizes: int, **space: object) -> Space:
    """Return a space with image sizes."""
    return Space.model_validate({"image_sizes": sizes, "networks": [{"architecture": "resnet18"}]} | space)


def test_image_sizes_are_a_choice_next_to_the_network() -> None:
    """A space without them has no such choice, so that searches from before have the trials that they had."""
    assert list(options(with_sizes(64, 48), RESNET18))[:3] == ["network", "image_size", "teacher"]
    assert "image_size" not in options(Space(), RESNET18)
    assert {each["image_size"] for each in members(with_sizes(64, 48), RESNET18)} == {"64", "48"}


@pytest.mark.parametrize(
    ("pixels", "sizes"),
    [(64, None), (95, None), (96, (96, 72, 48)), (224, (224, 168, 112)), (100, (100, 72, 48))],
)
def test_the_default_space_has_smaller_images_where_they_are_large_enough(
    pixels: int, sizes: tuple[int, ...] | None
) -> None:
    """Down to 48 pixels; none for an uploaded network."""
    dataset = {"kind": "builtin", "image_size": pixels}
    search = spec_with("find-best", dataset=dataset).searched()
    assert search is not None
    assert search.space.image_sizes == sizes
    uploaded = {"architecture": "uploaded", "sha256": "a" * 64, "pixels": "0_to_255"}
    search = spec_with("find-best", dataset=dataset, model=uploaded).searched()
    assert search is not None
    assert search.space.image_sizes is None


def test_a_teacher_is_trained_for_the_images_of_its_student() -> None:
    """It predicts the same images; a network of the job's own size is trained as without the choice."""
    space = with_sizes(48, networks=[{"architecture": "mobilenet_v2", "width": 0.5}], teachers=["source"], zeros=[0])
    member = members(space, RESNET18)[0]
    found = pipeline_of("a", member, space, model=RESNET18, training=Training(), share=1)
    assert [(each.kind, getattr(each, "image_size", None)) for each in found.stages[:2]] == [
        ("train", 48), ("distill", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (
            {"image_sizes": [16], "networks": [{"architecture": "mobilenet_v2"}]},
            "mobilenet_v2 takes images of at least",
        ),
        ({"image_sizes": [48, 48]}, r"image_sizes\[1\] repeats a value; accepted: each value once"),
        ({"image_sizes": [4]}, "greater than or equal to 8"),
        ({"image_sizes": []}, "at least 1 item"),
        (
            {"image_sizes": [24], "networks": [{"architecture": "uploaded", "sha256": "a" * 64, "pixels": "0_to_255"}]},
            "an uploaded network takes the images of the data set, so no image_sizes",
        ),
    ],
)
def test_sizes_that_no_network_takes_are_refused(space: dict[str, Any], words: str) -> None:
    """If other networks take them, only the combination is not tried."""
    with pytest.raises(ValidationError, match=words):
        spec_with({"space": space})

"""Valid specs, and the errors of invalid ones."""

from typing import Any

import pytest
from pydantic import ValidationError

from edgepress_common.plan import make_plan
from edgepress_common.spec import EXPORTS, METHODS, FolderDataset, JobSpec
from edgepress_common.spec.export import ExportFormat
from edgepress_common.spec.method import Method
from edgepress_common.spec.presets import PRESETS
from edgepress_common.spec.training import Training
from edgepress_common.steps import StageStep

SPEC: dict[str, Any] = {
    "name": "digits",
    "dataset": {"kind": "builtin", "image_size": 32},
    "model": {"architecture": "resnet18"},
}


def test_the_smallest_spec_has_the_defaults_of_its_fields() -> None:
    """A name, a data set and a network are enough."""
    spec = JobSpec.model_validate(SPEC)
    assert spec.training.epochs == 10
    assert spec.evaluation.devices == ("any",)
    assert spec.pipeline_list() == PRESETS["quick"]


def test_an_export_can_be_named_or_written_out() -> None:
    """``int8`` and ``{kind: int8}`` are the same."""
    named = JobSpec.model_validate(SPEC | {"pipelines": [{"name": "p", "exports": ["int8"]}]})
    written = JobSpec.model_validate(SPEC | {"pipelines": [{"name": "p", "exports": [{"kind": "int8"}]}]})
    assert named == written


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"colour": "red"}, "colour", "Extra inputs"),
        ({"dataset": {"kind": "cloud", "image_size": 32}}, "dataset", "'builtin', 'folder'"),
        ({"dataset": {"kind": "builtin", "image_size": 4}}, "dataset.builtin.image_size", "greater than or equal to 8"),
        ({"dataset": {"kind": "builtin", "image_size": 16}}, "", "too small for resnet18; accepted: 32"),
        ({"model": {"architecture": "resnet1"}}, "model", "'resnet1' .*'resnet18'.*'mobilenet_v2'.*'uploaded'"),
        ({"model": {"architecture": "resnet50", "width": 0.5}}, "model", "accepted: 1"),
        (
            {"model": {"architecture": "efficientnet_lite0", "weights": "imagenet"}},
            "model",
            "weights 'imagenet' do not exist for efficientnet_lite0; accepted: none",
        ),
        ({"training": {"epochs": -1}}, "training.epochs", "greater than or equal to 0"),
        (
            {"training": {"epochs": 0}},
            "",
            "training.epochs is 0, but resnet18 has no trained weights; accepted: 1 to 1000",
        ),
        ({"training": {"epochs": 2, "warmup_epochs": 2}}, "training", "accepted: less than epochs, 2"),
        ({"training": {"batch_norm_momentum": 1.0}}, "training", "accepted: auto, or 0 to below 1"),
        ({"pipelines": []}, "pipelines", "at least 1"),
        ({"pipelines": "everything"}, "pipelines", "'quick', 'paper', 'distillation', 'patient' or 'ensemble'"),
        ({"pipelines": [{"name": "p", "exports": ["int3"]}]}, "pipelines", "'float32', 'float16'"),
        ({"pipelines": [{"name": "p", "exports": []}]}, "pipelines", "at least 1"),
        ({"pipelines": [{"name": "p", "exports": ["int8", "int8"]}]}, "pipelines", "repeats 'int8'"),
        ({"pipelines": [{"name": "p", "exports": ["int8"]}] * 2}, "pipelines", "two pipelines are called 'p'"),
        (
            {"pipelines": [{"name": "p", "stages": [{"kind": "train"}, {"kind": "train"}], "exports": ["int8"]}]},
            "pipelines",
            r"stages\[1\] is 'train'.*accepted: train as the first stage only",
        ),
        ({"evaluation": {"threads": [1, 1]}}, "evaluation", "threads contains duplicates"),
        ({"evaluation": {"threads": [0]}}, "evaluation.threads", "greater than or equal to 1"),
    ],
)
def test_what_can_not_be_done_is_refused_in_words(change: dict[str, Any], field: str, words: str) -> None:
    """The error names the field and says what would be accepted."""
    with pytest.raises(ValidationError, match=words) as caught:
        JobSpec.model_validate(SPEC | change)
    places = {".".join(map(str, error["loc"])) for error in caught.value.errors()}
    assert any(place.startswith(field) for place in places)


def test_a_spec_survives_the_trip_through_json() -> None:
    """The stored spec is the one that was posted."""
    spec = JobSpec.model_validate(SPEC)
    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_spec_like_any_other(name: str) -> None:
    """Written out, it is accepted, and means the same."""
    pipelines = [pipeline.model_dump(mode="json") for pipeline in PRESETS[name]]  # type: ignore[index]
    written = JobSpec.model_validate(SPEC | {"pipelines": pipelines})
    assert written.pipeline_list() == JobSpec.model_validate(SPEC | {"pipelines": name}).pipeline_list()


def test_catalogues_say_what_their_parameters_are() -> None:
    """Every method and export has a JSON Schema whose ``kind`` is its own name."""
    entries: list[Method | ExportFormat] = [*METHODS.values(), *EXPORTS.values()]
    for entry in entries:
        schema = entry.parameters.model_json_schema()
        assert schema["properties"]["kind"]["const"] == entry.kind
        assert entry.summary
    for method in METHODS.values():
        assert method.limits
        assert method.cost
        assert method.paper or method.kind in {"train", "probe"}


@pytest.mark.parametrize(
    ("stages", "export", "words"),
    [
        ([{"kind": "quantize_aware"}], {"calibration": {"ranges": "mse"}}, r"exports\[0\]\.calibration is set, but"),
        ([{"kind": "quantize_aware"}], {"weight_scales": "layer"}, r"exports\[0\]\.weight_scales is 'layer', but"),
        ([{"kind": "cluster"}], {"calibration": {"equalization": True}}, "would change values that weights share"),
        ([{"kind": "cluster"}], {"calibration": {"rounding": "adaround"}}, "would change values that weights share"),
        ([], {"weight_scales": "layer", "calibration": {"ranges": "mse"}}, "accepted: min_max, or weight_scales"),
        ([], {"calibration": {"percentile": 20}}, "greater than 50"),
    ],
)
def test_calibration_that_undoes_a_stage_is_refused(stages: list[Any], export: dict[str, Any], words: str) -> None:
    """Before anything runs, with what is accepted."""
    pipeline = {"name": "p", "stages": stages, "exports": [{"kind": "int8"} | export]}
    with pytest.raises(ValidationError, match=words):
        JobSpec.model_validate(SPEC | {"pipelines": [pipeline]})


def test_calibration_of_a_clustered_network_leaves_its_weights() -> None:
    """Ranges and biases are not shared values."""
    calibration = {"ranges": "percentile", "bias_correction": True}
    pipeline = {"name": "p", "stages": [{"kind": "cluster"}], "exports": [{"kind": "int8", "calibration": calibration}]}
    JobSpec.model_validate(SPEC | {"pipelines": [pipeline]})


def test_only_trainings_of_the_stage_train_are_divided_among_devices() -> None:
    """The job's setting concerns no other stage; a stage that computes on one device refuses its own."""

    def pipeline(stages: list[dict[str, Any]]) -> dict[str, Any]:
        return {"name": "a", "stages": stages, "exports": ["int8"]}

    stages: list[dict[str, Any]] = [{"kind": "train"}, {"kind": "prune"}, {"kind": "distill"}]
    spec = JobSpec.model_validate(SPEC | {"training": {"devices": "all"}, "pipelines": [pipeline(stages)]})
    plan = make_plan(spec, fingerprint="", devices=())
    steps = [step.parameters for step in plan.steps if isinstance(step.parameters, StageStep)]
    assert [step.training.devices for step in steps] == ["all", "one", "one"]

    own = {"kind": "distill", "training": {"devices": "all"}}
    with pytest.raises(ValidationError, match=r"pipelines\[0\].stages\[1\].training.devices is 'all'.*accepted: one"):
        JobSpec.model_validate(SPEC | {"pipelines": [pipeline([{"kind": "train"}, own])]})


@pytest.mark.parametrize("changes", [{"weight_average": 0.9}, {"batch_norm_statistics": "estimated"}])
def test_what_has_one_copy_of_the_network_is_not_divided_among_devices(changes: dict[str, object]) -> None:
    """The refusal names what to set instead."""
    with pytest.raises(ValidationError, match=r"devices is 'all'.*accepted: devices: one"):
        Training.model_validate({"devices": "all"} | changes)


@pytest.mark.parametrize("pattern", ["(a{99999999999})", "(a", "(?:" * 160 + "(a)", "(a)\\x", "(a)(b)", "a"])
def test_a_pattern_of_groups_that_can_not_be_used_is_refused(pattern: str) -> None:
    """Python's parser of regular expressions has several errors for them."""
    with pytest.raises(ValidationError, match=r"is not a regular expression|capture groups"):
        FolderDataset.model_validate({"path": "/data", "image_size": 32, "groups": {"pattern": pattern}})

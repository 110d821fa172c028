"""What pydantic says of a spec, as the fields at fault."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from edgepress_api.web.field_problems import field_problems, shortened
from edgepress_api.web.schema import Schema
from edgepress_common.errors import FieldProblem
from edgepress_common.spec import EXPORTS, METHODS, JobSpec

DOCUMENT = JobSpec.model_json_schema()
SPEC: dict[str, JsonValue] = {
    "name": "x",
    "dataset": {"kind": "builtin", "image_size": 32},
    "model": {"architecture": "resnet18"},
    "pipelines": [{"name": "a", "exports": ["float32"]}],
}


def problems(value: object) -> list[FieldProblem]:
    """What is wrong with a spec."""
    try:
        JobSpec.model_validate(value)
    except ValidationError as error:
        return field_problems(error.errors(include_url=False), value, Schema(DOCUMENT, DOCUMENT), root="spec")
    return []


def staged(*stages: JsonValue) -> dict[str, JsonValue]:
    """A spec with one pipeline that trains, and has these stages then."""
    return pipeline(stages=[{"kind": "train"}, *stages])


def pipeline(**changes: JsonValue) -> dict[str, JsonValue]:
    """A spec with one pipeline."""
    written: dict[str, JsonValue] = {"name": "a", "exports": ["float32"]}
    return {"pipelines": [written | changes]}


@pytest.mark.parametrize(
    ("changes", "field", "value", "message", "accepted"),
    [
        ({"epocs": 3}, "epocs", 3, "unknown field",
         "name, dataset, model, training, pipelines, evaluation, webhook, limits, goals"),
        ({"name": ""}, "name", "", "is too short", "text of 1 to 200 characters"),
        ({"pipelines": "papr"}, "pipelines", "papr", "is none of what is accepted",
         "quick, paper, or a list of 1 to 200"),
        ({"pipelines": []}, "pipelines", [], "has too few items", "a list of 1 to 200"),
        ({"pipelines": {"a": 1}}, "pipelines", {"a": 1}, "is none of what is accepted",
         "quick, paper, or a list of 1 to 200"),
        (pipeline(exports=["int9"]), "pipelines[0].exports[0]", "int9", "is not among the choices", None),
        (pipeline(exports=[{"kind": "int9"}]), "pipelines[0].exports[0].kind", "int9", "no kind 'int9'", None),
        (pipeline(exports=[{"foo": 1}]), "pipelines[0].exports[0].kind", None, "is required", None),
        (pipeline(exports=[3]), "pipelines[0].exports[0]", 3, "is of the wrong type", None),
        (pipeline(exports=[]), "pipelines[0].exports", [], "has too few items", "a list of 1 to 20"),
        (pipeline(exports=["int8", "int8"]), "pipelines[0].exports[1]", "int8",
         "exports[1] is 'int8' a second time", "each export once"),
        (pipeline(exports=[{"kind": "int8", "representative_images": 0}]),
         "pipelines[0].exports[0].representative_images", 0, "should be greater than or equal to 1",
         "an integer from 1 to 10000 (Training images that calibrate the ranges of the activations)"),
        (pipeline(stages=[{"kind": "train"}, {"kind": "train"}]), "pipelines[0].stages[1]", {"kind": "train"},
         "stages[1] is 'train', which would throw away what comes before it", "train as the first stage only"),
        (staged({"kind": "prun"}), "pipelines[0].stages[1].kind", "prun", "no kind 'prun'",
         "cluster, distill, prune, quantize_aware, train"),
        (staged({"kind": "prune", "shedule": 1}), "pipelines[0].stages[1].shedule", 1,
         "unknown field; did you mean 'schedule'?", "epochs, learning_rate, layers, kind, schedule"),
        (staged({"kind": "prune", "schedule": {"kind": "polynomial", "final_sparsity": 1.5}}),
         "pipelines[0].stages[1].schedule.final_sparsity", 1.5, "should be less than 1",
         "a number above 0 and below 1 (Share of zeros in each layer from the end on)"),
        (staged({"kind": "prune", "schedule": {"kind": "constant", "final_sparsty": 0.5}}),
         "pipelines[0].stages[1].schedule.final_sparsty", 0.5, "unknown field; did you mean 'final_sparsity'?",
         "kind, final_sparsity, begin, end, frequency"),
        (staged({"kind": "prune", "schedule": {"kind": "linear"}}), "pipelines[0].stages[1].schedule.kind", "linear",
         "no kind 'linear'", "constant, pattern, polynomial"),
        (staged({"kind": "prune", "schedule": {"final_sparsity": 0.5}}), "pipelines[0].stages[1].schedule.kind", None,
         "is required", "constant, pattern, polynomial"),
        (staged({"kind": "prune", "schedule": "constant"}), "pipelines[0].stages[1].schedule", "constant",
         "is of the wrong type", "an object whose kind is one of constant, pattern, polynomial"),
        (staged({"kind": "prune", "schedule": {"kind": "constant", "begin": 0.9}}),
         "pipelines[0].stages[1].schedule.begin", 0.9, "begin is 0.9 and end is 0.75", "begin before end"),
        (staged({"kind": "prune", "layers": {"include": ["first", "frist"]}}),
         "pipelines[0].stages[1].layers.include[1]", "frist", "is not of the right form", None),
        (staged({"kind": "cluster", "layers": {"include": ["kind:depthwise_conv2d"]}}),
         "pipelines[0].stages[1].layers.include[0]", "kind:depthwise_conv2d",
         "layers.include[0] is 'kind:depthwise_conv2d', which this method leaves alone",
         "first, last, kind:conv2d, kind:dense, or name: and a shell pattern"),
        (staged({"kind": "cluster"}, {"kind": "prune"}), "pipelines[0].stages[2]", {"kind": "prune"},
         ("stages[2] is 'prune', but the network's weights share values by then: training on with some of them zero "
         "would take the others off these values"), "prune before cluster"),
        (staged({"kind": "cluster", "preserve_sparsity": True}), "pipelines[0].stages[1].preserve_sparsity", True,
         "stages[1].preserve_sparsity is true, but the network has no zeros to keep by then",
         "null, or prune before it and nothing that gives them up between"),
        (staged({"kind": "prune", "schedule": {"kind": "constant", "final_sparsity": 0.8}},
                {"kind": "prune", "schedule": {"kind": "polynomial"}}),
         "pipelines[0].stages[2].schedule", {"kind": "polynomial"},
         ("stages[2].schedule.final_sparsity is 0.5, but stages[1] has made 0.8 of the same layers' weights zero, and "
         "they stay zero"), "0.8 or more"),
        (staged({"kind": "distill", "student": {"architecture": "mobilenet_v2", "width": 0.3}}),
         "pipelines[0].stages[1].student.width", 0.3,
         "width 0.3 does not exist for mobilenet_v2 with weights 'none'", "0.35, 0.5, 0.75, 1, 1.3, 1.4"),
        (pipeline(exports=[{"kind": "int8", "encoding": "csr"}]), "pipelines[0].exports[0].encoding", "csr",
         "is not among the choices", "smallest, dense, sparse"),
        (pipeline(stages=[{"kind": "train", "training": {"batch_norm_momentum": "high"}}]),
         "pipelines[0].stages[0].training.batch_norm_momentum", "high", "is none of what is accepted",
         "a number, or auto"),
        ({"pipelines": [{"name": "a", "exports": ["int8"]}, {"name": "a", "exports": ["int8"]}]}, "pipelines", None,
         "two pipelines are called 'a'", "unique names"),
        ({"dataset": {"kind": "foldr"}}, "dataset.kind", "foldr", "no kind 'foldr'",
         "builtin, folder, nct-crc-he, npz, upload"),
        ({"dataset": {}}, "dataset.kind", None, "is required", "builtin, folder, nct-crc-he, npz, upload"),
        ({"dataset": 3}, "dataset", 3, "is of the wrong type",
         "an object whose kind is one of builtin, folder, nct-crc-he, npz, upload"),
        ({"dataset": {"kind": "folder", "image_size": 8}}, "dataset.path", None, "is required",
         "text of 1 to 4096 characters (Folder on the server, under an allowed root)"),
        ({"dataset": {"kind": "folder", "path": "/x", "image_size": 8, "folder": {"a": 1}}}, "dataset.folder", {"a": 1},
         "unknown field", "image_size, max_unreadable_share, validation_fraction, split_seed, kind, path"),
        ({"dataset": {"kind": "builtin", "image_size": 16}}, "dataset.image_size", 16,
         "dataset.image_size is 16, too small for resnet18", "32 or more"),
        ({"model": {"architecture": "resnet19"}}, "model.architecture", "resnet19", "no architecture 'resnet19'", None),
        ({"model": {"architecture": "resnet18", "width": 0.3}}, "model.width", 0.3,
         "width 0.3 does not exist for resnet18 with weights 'none'", "1"),
        ({"training": {"epoch": 3}}, "training.epoch", 3, "unknown field; did you mean 'epochs'?", None),
        ({"training": {"momentum": 1}}, "training.momentum", 1, "should be less than 1",
         "a number at least 0 and below 1 (Of sgd; ignored by adam)"),
        ({"training": {"early_stopping": 3}}, "training.early_stopping", 3, "is of the wrong type",
         "an object with monitor, patience, min_delta"),
        ({"training": {"optimizer": "adm"}}, "training.optimizer", "adm", "is not among the choices", "adam, sgd"),
        ({"training": {"augmentation": {"horizontal_flip": "x"}}}, "training.augmentation.horizontal_flip", "x",
         "is of the wrong type", "true or false"),
        ({"evaluation": {"devices": ["Pi 4"]}}, "evaluation.devices[0]", "Pi 4", "is not of the right form",
         "text matching ^[a-z0-9][a-z0-9._-]{0,62}$"),
        ({"evaluation": {"threads": [1, 1]}}, "evaluation.threads", [1, 1], "threads names one twice: 1, 1",
         "each once"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_as_it_was_written(
    changes: dict[str, JsonValue], field: str, value: JsonValue, message: str, accepted: str | None
) -> None:
    """With its value, what is wrong with it, and what would be accepted; and nothing else is complained of."""
    (problem,) = problems(SPEC | changes)
    assert (problem.field, problem.message) == (field, message)
    if value is not None:
        assert problem.value == value
    assert problem.accepted
    assert accepted in {None, problem.accepted}


def test_what_exports_are_accepted_is_what_there_is() -> None:
    """All of them, as a spec would name them."""
    (problem,) = problems(SPEC | pipeline(exports=["int9"]))
    assert problem.accepted is not None
    assert set(EXPORTS) <= set(problem.accepted.replace(",", "").split())


def test_all_wrong_fields_are_named_at_once() -> None:
    """Each with its place among the pipelines."""
    spec = SPEC | {
        "training": {"epoch": 1, "batch_norm_momentum": "x"},
        "pipelines": [
            {"name": "a", "exports": ["float32"]},
            {"name": "$", "exports": ["x"], "stages": [{"kind": "y"}]},
        ],
    }
    assert {problem.field for problem in problems(spec)} == {
        "training.epoch", "training.batch_norm_momentum",
        "pipelines[1].name", "pipelines[1].exports[0]", "pipelines[1].stages[0].kind",
    }  # fmt: skip


@pytest.mark.parametrize("value", [[], "x", 3, None])
def test_a_spec_that_is_no_object_is_called_the_spec(value: JsonValue) -> None:
    """It has no field to name."""
    (problem,) = problems(value)
    assert (problem.field, problem.message) == ("spec", "is of the wrong type")


def test_long_and_odd_values_are_quoted_in_short() -> None:
    """As JSON can have them."""
    assert shortened([1, "a"]) == [1, "a"]
    assert shortened(float("inf")) == "inf"
    assert len(shortened("x" * 10_000)) < 250
    assert len(shortened(list(range(10_000)))) < 250


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["builtin", "prune", "distill", "polynomial", "pattern"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["name", "kind", "dataset", "training", "pipelines", "stages", "exports", "model", "x", "builtin", "train",
         "prune", "schedule", "pattern", "layers", "include", "student"]
    ), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(value=_values | st.dictionaries(st.sampled_from(list(JobSpec.model_fields)), _values))
def test_anything_else_is_refused_in_words(value: JsonValue) -> None:
    """Every problem has a field that was written or is wanted, a message, and what is accepted."""
    for problem in problems(value):
        assert problem.field
        assert problem.message
        assert problem.accepted


_stages = st.builds(
    lambda kind, fields: fields | {"kind": kind},
    st.sampled_from(list(METHODS)),
    st.dictionaries(
        st.sampled_from(["schedule", "layers", "student", "training", "clusters", "x"]), _values, max_size=3
    ),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(stages=st.lists(_stages, max_size=3))
def test_whatever_is_wrong_with_a_stage_is_named_inside_its_pipeline(stages: list[JsonValue]) -> None:
    """However deep its settings lie."""
    for problem in problems(SPEC | staged(*stages)):
        assert problem.field.startswith("pipelines[0]")
        assert problem.message
        assert problem.accepted

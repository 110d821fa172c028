"""Errors of pydantic, as the fields of a spec at fault."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from edgepress_api.web.field_problems import field_problems, shortened
from edgepress_api.web.schema import Schema, without_references
from edgepress_common.errors import FieldProblem
from edgepress_common.spec import EXPORTS, METHODS, JobSpec

DOCUMENT = JobSpec.model_json_schema()
SCHEMA: Schema = without_references(DOCUMENT, DOCUMENT)
SPEC: dict[str, JsonValue] = {
    "name": "x",
    "dataset": {"kind": "builtin", "image_size": 32},
    "model": {"architecture": "resnet18"},
    "pipelines": [{"name": "a", "exports": ["float32"]}],
}


def problems(value: object) -> list[FieldProblem]:
    """Return the problems of a spec."""
    try:
        JobSpec.model_validate(value)
    except ValidationError as error:
        return field_problems(error.errors(include_url=False), value, SCHEMA, root="spec")
    return []


def staged(*stages: JsonValue) -> dict[str, JsonValue]:
    """A spec with one pipeline that trains, and has these stages then."""
    return pipeline(stages=[{"kind": "train"}, *stages])


def pipeline(**changes: JsonValue) -> dict[str, JsonValue]:
    """A spec with one pipeline."""
    written: dict[str, JsonValue] = {"name": "a", "exports": ["float32"]}
    return {"pipelines": [written | changes]}


def grouped(groups: JsonValue) -> dict[str, JsonValue]:
    """A spec whose data set has groups."""
    return {"dataset": {"kind": "folder", "path": "/x", "image_size": 32, "groups": groups}}


@pytest.mark.parametrize(
    ("changes", "field", "value", "message", "accepted"),
    [
        ({"epocs": 3}, "epocs", 3, "unknown field",
         ("name, project, tags, notes, dataset, model, training, search, pipelines, evaluation, webhook, notify, "
          "limits, seeds, goals")),
        ({"name": ""}, "name", "", "is too short", "text of 1 to 200 characters (Display name of the job)"),
        ({"pipelines": "papr"}, "pipelines", "papr", "is not an accepted value",
         "quick, paper, distillation, patient, ensemble, or a list of 1 to 200"),
        ({"pipelines": []}, "pipelines", [], "has too few items", "a list of 1 to 200"),
        ({"pipelines": {"a": 1}}, "pipelines", {"a": 1}, "is not an accepted value",
         "quick, paper, distillation, patient, ensemble, or a list of 1 to 200"),
        (pipeline(exports=["int9"]), "pipelines[0].exports[0]", "int9", "is not a known value", None),
        (pipeline(exports=[{"kind": "int9"}]), "pipelines[0].exports[0].kind", "int9",
         "'int9' is not a known kind", None),
        (pipeline(exports=[{"foo": 1}]), "pipelines[0].exports[0].kind", None, "is required", None),
        (pipeline(exports=[3]), "pipelines[0].exports[0]", 3, "is of the wrong type", None),
        (pipeline(exports=[]), "pipelines[0].exports", [], "has too few items", "a list of 1 to 20"),
        (pipeline(exports=["int8", "int8"]), "pipelines[0].exports[1]", "int8",
         "exports[1] repeats 'int8'", "each export once"),
        (pipeline(exports=[{"kind": "int8", "representative_images": 0}]),
         "pipelines[0].exports[0].representative_images", 0, "should be greater than or equal to 1",
         "an integer from 1 to 10000 (Number of training images for calibrating activation ranges)"),
        (pipeline(stages=[{"kind": "train"}, {"kind": "train"}]), "pipelines[0].stages[1]", {"kind": "train"},
         "stages[1] is 'train', which would discard the stages before it", "train as the first stage only"),
        (staged({"kind": "prun"}), "pipelines[0].stages[1].kind", "prun", "'prun' is not a known kind",
         ", ".join(sorted(METHODS))),
        (staged({"kind": "prune", "shedule": 1}), "pipelines[0].stages[1].shedule", 1,
         "unknown field; did you mean 'schedule'?",
         "kind, epochs, learning_rate, teacher, alpha, temperature, loss, hints, layers, schedule"),
        (staged({"kind": "prune", "schedule": {"kind": "polynomial", "final_sparsity": 1.5}}),
         "pipelines[0].stages[1].schedule.final_sparsity", 1.5, "should be less than 1",
         "a number above 0 and below 1 (Share of zeros in each layer after the end)"),
        (staged({"kind": "prune", "schedule": {"kind": "constant", "final_sparsty": 0.5}}),
         "pipelines[0].stages[1].schedule.final_sparsty", 0.5, "unknown field; did you mean 'final_sparsity'?",
         "kind, final_sparsity, begin, end, frequency, unit"),
        (staged({"kind": "prune", "schedule": {"kind": "linear"}}), "pipelines[0].stages[1].schedule.kind", "linear",
         "'linear' is not a known kind", "constant, pattern, polynomial"),
        (staged({"kind": "prune", "schedule": {"final_sparsity": 0.5}}), "pipelines[0].stages[1].schedule.kind", None,
         "is required", "constant, pattern, polynomial"),
        (staged({"kind": "prune", "schedule": "constant"}), "pipelines[0].stages[1].schedule", "constant",
         "is of the wrong type", "an object whose kind is one of constant, pattern, polynomial"),
        (staged({"kind": "prune", "schedule": {"kind": "constant", "begin": 0.9}}),
         "pipelines[0].stages[1].schedule.begin", 0.9, "begin is 0.9 and end is 0.75", "begin before end"),
        (staged({"kind": "prune", "layers": {"include": ["first", "frist"]}}),
         "pipelines[0].stages[1].layers.include[1]", "frist", "has the wrong form", None),
        (staged({"kind": "cluster", "layers": {"include": ["kind:depthwise_conv2d"]}}),
         "pipelines[0].stages[1].layers.include[0]", "kind:depthwise_conv2d",
         "layers.include[0] is 'kind:depthwise_conv2d', which this method does not support",
         "first, last, kind:conv2d, kind:dense, or name: and a shell pattern"),
        (staged({"kind": "cluster"}, {"kind": "prune"}), "pipelines[0].stages[2]", {"kind": "prune"},
         ("stages[2] is 'prune', but the network's weights share values at that point: further training with "
         "some weights at zero would change the other values"), "prune before cluster"),
        (staged({"kind": "cluster", "preserve_sparsity": True}), "pipelines[0].stages[1].preserve_sparsity", True,
         "stages[1].preserve_sparsity is true, but the network has no zeros to keep at that point",
         "null, or a prune stage before it, with no stage between them that removes the zeros"),
        (staged({"kind": "prune", "schedule": {"kind": "constant", "final_sparsity": 0.8}},
                {"kind": "prune", "schedule": {"kind": "polynomial"}}),
         "pipelines[0].stages[2].schedule", {"kind": "polynomial"},
         ("stages[2].schedule.final_sparsity is 0.5, but stages[1] has set 0.8 of the same layers' weights to "
         "zero, and they stay zero"), "0.8 or more"),
        (staged({"kind": "distill", "student": {"architecture": "mobilenet_v2", "width": 0.3}}),
         "pipelines[0].stages[1].student.width", 0.3,
         "width 0.3 does not exist for mobilenet_v2 with weights 'none'", "0.35, 0.5, 0.75, 1, 1.3, 1.4"),
        (pipeline(exports=[{"kind": "int8", "encoding": "csr"}]), "pipelines[0].exports[0].encoding", "csr",
         "is not a known value", "smallest, smallest_to_send, dense, sparse"),
        (pipeline(stages=[{"kind": "train", "training": {"batch_norm_momentum": "high"}}]),
         "pipelines[0].stages[0].training.batch_norm_momentum", "high", "is not an accepted value",
         "a number, or auto"),
        ({"pipelines": [{"name": "a", "exports": ["int8"]}, {"name": "a", "exports": ["int8"]}]}, "pipelines", None,
         "two pipelines are called 'a'", "unique names"),
        ({"dataset": {"kind": "foldr"}}, "dataset.kind", "foldr", "'foldr' is not a known kind",
         "builtin, cifar10, folder, nct-crc-he, npz, upload"),
        ({"dataset": {}}, "dataset.kind", None, "is required", "builtin, cifar10, folder, nct-crc-he, npz, upload"),
        ({"dataset": 3}, "dataset", 3, "is of the wrong type",
         "an object whose kind is one of builtin, cifar10, folder, nct-crc-he, npz, upload"),
        ({"dataset": {"kind": "folder", "image_size": 8}}, "dataset.path", None, "is required",
         "text of 1 to 4096 characters (Folder on the server, under an allowed root)"),
        ({"dataset": {"kind": "folder", "path": "/x", "image_size": 8, "folder": {"a": 1}}}, "dataset.folder", {"a": 1},
         "unknown field",
         "kind, image_size, max_unreadable_share, validation_fraction, split_seed, test_fraction, path, groups"),
        (grouped({"pattern": "x"}), "dataset.groups", {"pattern": "x"}, "has 0 capture groups", "one"),
        (grouped({"table": 3}), "dataset.groups.table", 3, "is of the wrong type",
         ("text of 1 to 1024 characters (Path of a CSV file, relative to the data set's folder, with the columns "
          "image (path relative to the data set's folder) and group)")),
        (grouped({"table": "x", "patern": "y"}), "dataset.groups.patern", "y", "unknown field", "table"),
        (grouped("x"), "dataset.groups", "x", "is not an accepted value",
         "an object with pattern, or an object with table"),
        ({"dataset": {"kind": "builtin", "image_size": 16}}, "dataset.image_size", 16,
         "dataset.image_size is 16, too small for resnet18", "32 or more"),
        ({"model": {"architecture": "resnet19"}}, "model.architecture", "resnet19",
         "'resnet19' is not a known architecture", None),
        ({"model": {"architecture": "resnet18", "width": 0.3}}, "model.width", 0.3,
         "width 0.3 does not exist for resnet18 with weights 'none'", "0.25, 0.5, 0.75, 1"),
        ({"training": {"epoch": 3}}, "training.epoch", 3, "unknown field; did you mean 'epochs'?", None),
        ({"training": {"momentum": 1}}, "training.momentum", 1, "should be less than 1",
         "a number at least 0 and below 1 (Momentum of sgd; ignored by adam)"),
        ({"training": {"early_stopping": 3}}, "training.early_stopping", 3, "is of the wrong type",
         "an object with monitor, patience, min_delta"),
        ({"training": {"optimizer": "adm"}}, "training.optimizer", "adm", "is not a known value", "adam, sgd"),
        ({"training": {"augmentation": {"horizontal_flip": "x"}}}, "training.augmentation.horizontal_flip", "x",
         "is of the wrong type", "true or false"),
        ({"evaluation": {"devices": ["Pi 4"]}}, "evaluation.devices[0]", "Pi 4", "has the wrong form",
         "text: 1 to 63 lower-case letters, digits and . _ -, beginning with a letter or digit"),
        ({"evaluation": {"threads": [1, 1]}}, "evaluation.threads", [1, 1], "threads contains duplicates: 1, 1",
         "each once"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_as_it_was_written(
    changes: dict[str, JsonValue], field: str, value: JsonValue, message: str, accepted: str | None
) -> None:
    """The problem has its value, what is wrong, and what is accepted; there is no other problem."""
    (problem,) = problems(SPEC | changes)
    assert (problem.field, problem.message) == (field, message)
    if value is not None:
        assert problem.value == value
    assert problem.accepted
    assert accepted in {None, problem.accepted}


def test_all_exports_are_named_as_accepted() -> None:
    """All of them, as a spec would name them."""
    (problem,) = problems(SPEC | pipeline(exports=["int9"]))
    assert problem.accepted is not None
    assert set(EXPORTS) <= set(problem.accepted.replace(",", "").split())


def test_all_wrong_fields_are_named_at_once() -> None:
    """Each has its place among the pipelines."""
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


def test_a_default_that_depends_on_a_wrong_field_is_not_wrong() -> None:
    """Without pipelines, their default depends on the search."""
    without = {field: value for field, value in SPEC.items() if field != "pipelines"}
    assert [problem.field for problem in problems(without | {"name": ""})] == ["name"]


@pytest.mark.parametrize("value", [[], "x", 3, None])
def test_a_spec_that_is_not_an_object_is_called_the_spec(value: JsonValue) -> None:
    """It has no field to name."""
    (problem,) = problems(value)
    assert (problem.field, problem.message) == ("spec", "is of the wrong type")


def test_long_and_odd_values_are_quoted_in_short() -> None:
    """Values of JSON of any length are shortened."""
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


@pytest.mark.slow
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


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True)
@given(stages=st.lists(_stages, max_size=3))
def test_a_problem_of_a_stage_is_named_inside_its_pipeline(stages: list[JsonValue]) -> None:
    """However deep its settings lie."""
    for problem in problems(SPEC | staged(*stages)):
        assert problem.field.startswith("pipelines[0]")
        assert problem.message
        assert problem.accepted

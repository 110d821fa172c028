"""Stages and promises in words."""

from typing import Any

import pytest

from edgepress_api.report.groups import pipeline_groups
from edgepress_api.report.promise_words import found, promised, short
from edgepress_api.report.words import pipelines
from edgepress_common.plan import make_plan
from edgepress_common.promises import KeptPromise
from edgepress_common.stage_words import stage_summary
from edgepress_common.steps import StageStep
from fakes.jobs import small_spec
from fakes.paper_report import paper_job, paper_report, with_broken_promise
from fakes.reports import make_report, make_row


def summaries(*stages: dict[str, Any]) -> list[str]:
    """Return the descriptions of a pipeline's stages in a job of 2 epochs, the training included."""
    spec = small_spec(pipelines=[{"name": "p", "exports": ["int8"], "stages": list(stages)}])
    plan = make_plan(spec, fingerprint="f", devices=["any"])
    return [stage_summary(step.parameters) for step in plan.steps if isinstance(step.parameters, StageStep)]


@pytest.mark.parametrize(
    ("stage", "summary"),
    [
        ({"kind": "prune"}, "prune to 50 % (polynomial), 4 epochs"),
        ({"kind": "prune", "schedule": {"kind": "constant", "final_sparsity": 0.875}, "epochs": 1},
         "prune to 87.5 % (constant), 1 epoch"),
        ({"kind": "prune", "schedule": {"kind": "pattern"}}, "prune 2:4, 4 epochs"),
        ({"kind": "cluster"}, "cluster to 16 values (kmeans_plus_plus), 4 epochs"),
        ({"kind": "cluster", "clusters": 8, "centroids": "linear", "per_channel": True},
         "cluster to 8 values a channel (linear), 4 epochs"),
        ({"kind": "quantize_aware", "epochs": 3}, "quantize_aware, 3 epochs"),
        ({"kind": "distill"}, "distill into mobilenet_v2, 2 epochs"),
        ({"kind": "distill", "student": {"architecture": "mobilenet_v2", "width": 0.35}, "training": {"epochs": 7}},
         "distill into mobilenet_v2 0.35, 7 epochs"),
        ({"kind": "prune", "layers": {"include": ["kind:conv2d", "last"], "exclude": ["first"]}},
         "prune to 50 % (polynomial), layers kind:conv2d last without first, 4 epochs"),
        ({"kind": "quantize_aware", "layers": {"include": ["name:stage4_*"]}},
         "quantize_aware, layers name:stage4_*, 4 epochs"),
    ],
)  # fmt: skip
def test_a_stage_is_told_with_what_tells_it_from_others(stage: dict[str, Any], summary: str) -> None:
    """Its kind, and what is not as usual."""
    assert summaries(stage) == ["train resnet18, 2 epochs", summary]


@pytest.mark.parametrize(
    ("model", "training", "summary"),
    [
        (None, None, "train resnet18, 2 epochs"),
        ({"architecture": "resnet50", "weights": "imagenet"}, None, "train resnet50 from imagenet, 2 epochs"),
        ({"architecture": "mobilenet_v2", "width": 1.4}, None, "train mobilenet_v2 1.4, 2 epochs"),
        (None, {"epochs": 9, "early_stopping": {}}, "train resnet18, at most 9 epochs"),
    ],
)
def test_a_training_is_told_with_its_network(model: object, training: object, summary: str) -> None:
    """Its width and its weights, where they are not the usual ones."""
    assert summaries({"kind": "train", "model": model, "training": training}) == [summary]


def test_what_is_kept_of_earlier_stages_is_told() -> None:
    """They are listed though the spec did not set it, and not listed where the spec disabled it."""
    prune, cluster, quantize_aware = ({"kind": kind} for kind in ("prune", "cluster", "quantize_aware"))
    assert summaries(prune, cluster, quantize_aware)[2:] == [
        "cluster to 16 values (kmeans_plus_plus), zeros kept, 4 epochs",
        "quantize_aware, zeros and shared values kept, 4 epochs",
    ]
    assert summaries(cluster, quantize_aware)[2] == "quantize_aware, shared values kept, 4 epochs"
    assert summaries(prune, quantize_aware | {"preserve_sparsity": False})[2] == "quantize_aware, 4 epochs"


@pytest.mark.parametrize(
    ("promise", "words", "outcome", "cell"),
    [
        (KeptPromise(kind="sparsity", promised=0.5, found=0.50034, layers=21, layer="stage1_unit1_conv1"),
         "at least 50 % zeros in each of 21 layers", "50.0 % in the layer with fewest (stage1_unit1_conv1)",
         "sparsity>=0.5: 0.50034 (stage1_unit1_conv1, 21 layers)"),
        (KeptPromise(kind="pattern", promised=0, found=0, layers=20, layer="conv0"),
         "the pattern of zeros in each of 20 layers", "kept in every group", "pattern<=0: 0 (conv0, 20 layers)"),
        (KeptPromise(kind="pattern", promised=4, found=3, layers=20, layer="conv0"),
         "the pattern of zeros in each of 20 layers", "3 groups off it at most (conv0)",
         "pattern<=4: 3 (conv0, 20 layers)"),
        (KeptPromise(kind="unique_weights", promised=16, found=15, layers=1, layer="dense"),
         "at most 16 different values in one layer", "15 in the layer with most (dense)",
         "unique_weights<=16: 15 (dense, 1 layers)"),
        (KeptPromise(kind="unique_weights_per_channel", promised=16, found=16, layers=2, layer="conv0"),
         "at most 16 different values in each output channel of each of 2 layers",
         "16 in the channel with most (conv0)", "unique_weights_per_channel<=16: 16 (conv0, 2 layers)"),
        (KeptPromise(kind="float_operators", promised=0, found=0), "no float operator", "none",
         "float_operators<=0: 0"),
        (KeptPromise(kind="float_operators", promised=3, found=2), "at most 3 float operators", "2",
         "float_operators<=3: 2"),
        (KeptPromise(kind="classes", promised=8, found=8), "8 outputs, one for each class", "8", "classes=8: 8"),
    ],
)  # fmt: skip
def test_a_promise_is_told_with_what_came_of_it(promise: KeptPromise, words: str, outcome: str, cell: str) -> None:
    """The page has a sentence, and a table cell has a short form."""
    assert (promised(promise), found(promise), short(promise)) == (words, outcome, cell)


def test_files_that_keep_a_promise_alike_are_told_together() -> None:
    """Promises of a kind stay together, and each export is named."""
    group = next(group for group in pipeline_groups(paper_report()) if group.pipeline.name == "PQAT")
    assert [(line.promised, line.found, line.exports) for line in group.promises] == [
        ("8 outputs, one for each class", "8", ("float32", "float16", "dynamic", "int16x8", "int8")),
        ("at least 50 % zeros in each of 21 layers", "50.0 % in the layer with fewest (stage1_unit1_conv1)",
         ("float32", "float16", "dynamic")),
        ("at least 50 % zeros in each of 21 layers", "50.1 % in the layer with fewest (stage1_unit1_conv1)",
         ("int16x8", "int8")),
        ("no float operator", "none", ("int16x8", "int8")),
    ]  # fmt: skip


def test_a_file_measured_often_is_one_file() -> None:
    """It is measured on two devices with different numbers of threads, and counted by its first row."""
    rows = [make_row("int8", device="a"), make_row("float32", device="a"), make_row("int8", device="b")]
    (group,) = pipeline_groups(make_report(*rows))
    assert [(row.export, row.device) for row in group.files] == [("int8", "a"), ("float32", "a")]
    assert [line.exports for line in group.promises] == [("int8", "float32")]


def test_a_pipeline_of_which_nothing_is_known_yet_is_not_a_group() -> None:
    """One of which something failed is."""
    job = with_broken_promise(paper_job(), "PCQAT", "int8", "broken")
    names = [group.pipeline.name for group in pipeline_groups(paper_report(job)) if group.failures]
    assert names == ["PCQAT"]
    nothing = paper_report().model_copy(update={"rows": ()})
    assert pipeline_groups(nothing) == ()


def test_pipelines_are_named_unless_it_is_all_of_several() -> None:
    """One alone is named too."""
    assert [pipelines(names, count) for names, count in ((("a", "b"), 3), (("a", "b"), 2), (("a",), 1))] == [
        "a, b", "all 2 pipelines", "a"
    ]  # fmt: skip

"""Combinations of a clustering that are refused, and what a spec without a new setting stands for."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from edgepress_common.spec import METHODS, ClusterStage, Model, Pipeline


@pytest.mark.parametrize(
    ("stage", "problem"),
    [
        ({"clusters": 257}, "clusters is 257; accepted here: 2 to 256"),
        ({"block": "kernel", "clusters": 4097}, "clusters is 4097; accepted here: 2 to 4096"),
        ({"centroids": "hashed", "clusters": 100}, "clusters is 100 with centroids: hashed; accepted: a power of two"),
        ({"centroids": "hashed", "block": "1x4"}, "centroids is hashed with block: 1x4; accepted: centroids: kmeans"),
        ({"block": "1x4", "per_channel": True}, "per_channel is true with block: 1x4; accepted: per_channel: false"),
        (
            {"centroids": "hashed", "preserve_sparsity": True},
            "preserve_sparsity is true with centroids: hashed; accepted: preserve_sparsity: false",
        ),
        (
            {"block": "kernel", "entropy_weight": 0.5},
            "entropy_weight is 0.5 with block: kernel; accepted: 0, or one set of single values",
        ),
        ({"block": "3x3"}, "'weight', 'kernel', '1x2', '1x4' or '1x8'"),
    ],
)
def test_what_can_not_be_shared_is_refused(stage: dict[str, Any], problem: str) -> None:
    """The error says which value is accepted."""
    with pytest.raises(ValidationError, match=problem):
        ClusterStage.model_validate(stage)


def test_values_of_weights_are_shared_by_default() -> None:
    """A spec without a block is written as before there were any, so that its step keeps its key."""
    assert ClusterStage(block="weight") == ClusterStage()
    assert "block" not in ClusterStage().model_dump()
    assert ClusterStage.model_validate({"block": "kernel", "clusters": 256}).model_dump()["block"] == "kernel"


@pytest.mark.parametrize("sharing", [{"block": "kernel"}, {"centroids": "hashed"}])
def test_zeros_are_given_up_where_they_can_not_stay(sharing: dict[str, Any]) -> None:
    """A later stage has none to keep, and says so."""
    prune, cluster = {"kind": "prune"}, {"kind": "cluster", **sharing}
    pipeline = Pipeline.model_validate({"name": "p", "stages": [prune, cluster], "exports": ["int8"]})
    assert isinstance(pipeline.stages[1], ClusterStage)
    assert pipeline.stages[1].preserve_sparsity is False
    quantize = {"kind": "quantize_aware", "preserve_sparsity": True}
    with pytest.raises(ValidationError, match="the network has no zeros to keep"):
        Pipeline.model_validate({"name": "p", "stages": [prune, cluster, quantize], "exports": ["int8"]})


@pytest.mark.parametrize("extra", [{}, {"preserve_sparsity": None}])
def test_a_posted_stage_is_read_strictly(extra: dict[str, Any]) -> None:
    """The gateway reads JSON like this: lists are accepted, and a null for zeros that can't stay becomes false."""
    posted = {"kind": "cluster", "block": "1x4", "layers": {"exclude": ["first"]}} | extra
    read = ClusterStage.model_validate_json(json.dumps(posted), strict=True)
    assert (read.layers.exclude, read.preserve_sparsity) == (("first",), False)
    assert read.model_dump()["preserve_sparsity"] is False
    assert ClusterStage.model_validate(read.model_dump()) == read


def test_a_posted_pipeline_may_name_layers_and_teachers() -> None:
    """Lists within stages and exports are read strictly, too: a text is not a number."""
    stages: list[dict[str, Any]] = [
        {"kind": "prune", "layers": {"exclude": ["first", "last"]}},
        {"kind": "distill", "teacher": ["source"]},
    ]
    posted: dict[str, Any] = {"name": "p", "stages": stages, "exports": ["int8"]}
    read = Pipeline.model_validate_json(json.dumps(posted), strict=True)
    assert read == Pipeline.model_validate(posted)
    stages[0]["epochs"] = "4"
    with pytest.raises(ValidationError, match="epochs"):
        Pipeline.model_validate_json(json.dumps(posted), strict=True)


def test_a_stage_is_described_by_what_it_shares() -> None:
    """In the words of reports."""
    network = Model(architecture="resnet18")
    described = [
        METHODS["cluster"].describe(ClusterStage.model_validate(stage), network)
        for stage in ({}, {"block": "kernel", "clusters": 64}, {"block": "1x4"}, {"centroids": "hashed"})
    ]
    assert described == [
        "cluster to 16 values (kmeans_plus_plus)",
        "cluster to 64 kernels (kmeans_plus_plus)",
        "cluster to 16 blocks of 1x4 (kmeans_plus_plus)",
        "cluster to 16 values (hashed)",
    ]

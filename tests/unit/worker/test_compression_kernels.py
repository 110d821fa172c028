"""Which layers a selection means."""

from __future__ import annotations

from typing import Any

import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec import LayerSelection
from edgepress_worker.compression.kernels import SHARED_OR_ZERO, find_kernels, select
from fakes.small_network import small_network

ALL = ("conv2d", "depthwise_conv2d", "dense")


@pytest.fixture(scope="module")
def kernels() -> Any:
    """The kernels of a network with layers ``first``, ``depthwise``, ``pointwise`` and ``classifier``."""
    return find_kernels(small_network())


def names(kernels: Any, kinds: Any = ALL, **selection: Any) -> list[str]:
    return [kernel.layer for kernel in select(kernels, LayerSelection.model_validate(selection), kinds)]


def test_kernels_come_in_the_order_data_flows(kernels: Any) -> None:
    """They are those of each kind of layer with weights to multiply by."""
    assert [(kernel.layer, kernel.kind) for kernel in kernels] == [
        ("first", "conv2d"),
        ("depthwise", "depthwise_conv2d"),
        ("pointwise", "conv2d"),
        ("classifier", "dense"),
    ]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, ["first", "depthwise", "pointwise", "classifier"]),
        ({"exclude": ["first", "last"]}, ["depthwise", "pointwise"]),
        ({"include": ["kind:conv2d"]}, ["first", "pointwise"]),
        ({"include": ["name:*wise"]}, ["depthwise", "pointwise"]),
        ({"include": ["kind:dense", "first"], "exclude": ["name:class*"]}, ["first"]),
    ],
)
def test_selections(kernels: Any, selection: Any, expected: list[str]) -> None:
    """Layers are selected by place, kind and name."""
    assert names(kernels, **selection) == expected


def test_a_layer_called_first_is_not_the_first(kernels: Any) -> None:
    """Names have a prefix, so that they can't be confused with positions."""
    assert names(kernels, include=["name:first"]) == ["first"]
    assert names(kernels, kinds=("dense",), include=["first"]) == ["classifier"]


def test_what_a_method_cannot_do_is_left_out(kernels: Any) -> None:
    """A depthwise kernel is neither pruned nor clustered; asking for it alone is an error that names the others."""
    assert names(kernels, kinds=SHARED_OR_ZERO) == ["first", "pointwise", "classifier"]
    with pytest.raises(InvalidInputError, match=r"'name:depthwise' matches none .* first, pointwise, classifier"):
        names(kernels, kinds=SHARED_OR_ZERO, include=["name:depthwise"])


def test_nothing_left_is_refused(kernels: Any) -> None:
    """The error lists the layers that exist."""
    with pytest.raises(InvalidInputError, match=r"layers.exclude \(name:\*wise\) removes all layers"):
        names(kernels, include=["name:pointwise"], exclude=["name:*wise"])

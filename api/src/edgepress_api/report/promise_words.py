"""Kept promises in words: for the page, and in short for a cell of CSV."""

from typing import assert_never

from edgepress_api.report.words import percent
from edgepress_common.promises import KeptPromise

_RELATIONS = {"sparsity": ">=", "classes": "="}  # all others: at most


def promised(promise: KeptPromise) -> str:
    """As in ``at least 50 % zeros in each of 21 layers``."""
    limit = f"{promise.promised:g}"
    match promise.kind:
        case "sparsity":
            return f"at least {100 * promise.promised:g} % zeros{_each_layer(promise)}"
        case "pattern":
            return f"the pattern of zeros{_each_layer(promise)}"
        case "unique_weights":
            return f"at most {limit} different values{_each_layer(promise)}"
        case "unique_weights_per_channel":
            return f"at most {limit} different values in each output channel{_each_layer(promise, 'of')}"
        case "float_operators":
            return "no float operator" if promise.promised == 0 else f"at most {limit} float operators"
        case "classes":
            return f"{limit} classes told apart"
        case _ as unknown:
            assert_never(unknown)


def found(promise: KeptPromise) -> str:
    """As in ``50.0 % in the layer with fewest (stage1_unit1_conv1)``."""
    number = f"{promise.found:g}"
    match promise.kind:
        case "sparsity":
            return f"{percent(promise.found, 1)}{_where(promise, 'in the layer with fewest')}"
        case "pattern":
            return (
                "kept in every group" if promise.found == 0 else f"{number} groups off it{_where(promise, 'at most')}"
            )
        case "unique_weights":
            return f"{number}{_where(promise, 'in the layer with most')}"
        case "unique_weights_per_channel":
            return f"{number}{_where(promise, 'in the channel with most')}"
        case "float_operators":
            return "none" if promise.found == 0 else number
        case "classes":
            return number
        case _ as unknown:
            assert_never(unknown)


def short(promise: KeptPromise) -> str:
    """As in ``sparsity>=0.5: 0.5003 (stage1_unit1_conv1, 21 layers)``."""
    layers = None if promise.layers is None else f"{promise.layers} layers"
    where = ", ".join(part for part in (promise.layer, layers) if part is not None)
    relation = _RELATIONS.get(promise.kind, "<=")
    said = f"{promise.kind}{relation}{promise.promised:g}: {promise.found:.6g}"
    return f"{said} ({where})" if where else said


def _each_layer(promise: KeptPromise, preposition: str = "in") -> str:
    match promise.layers:
        case None:
            return ""
        case 1:
            return f" {preposition} one layer"
        case count:
            return f" {preposition} each of {count} layers"


def _where(promise: KeptPromise, phrase: str) -> str:
    return "" if promise.layer is None else f" {phrase} ({promise.layer})"

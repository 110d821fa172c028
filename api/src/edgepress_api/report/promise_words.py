"""Kept promises in words: for the page, and in short for a cell of CSV. The words are those of `PROMISES`."""

from edgepress_common.promises import PROMISES, KeptPromise


def promised(promise: KeptPromise) -> str:
    """Return what was promised, as in ``at least 50 % zeros in each of 21 layers``."""
    words = PROMISES[promise.kind]
    match promise.layers:
        case None:
            layers = ""
        case 1:
            layers = f" {words.each} one layer"
        case count:
            layers = f" {words.each} each of {count} layers"
    return words.promised(promise.promised) + layers


def found(promise: KeptPromise) -> str:
    """Return what was found, as in ``50.0 % in the layer with fewest (stage1_unit1_conv1)``."""
    words = PROMISES[promise.kind]
    is_perfect = words.perfect is not None and promise.found == words.perfect
    where = "" if promise.layer is None or is_perfect else f" {words.where} ({promise.layer})"
    return words.found(promise.found) + where


def short(promise: KeptPromise) -> str:
    """Return both in short, as in ``sparsity>=0.5: 0.5003 (stage1_unit1_conv1, 21 layers)``."""
    layers = None if promise.layers is None else f"{promise.layers} layers"
    where = ", ".join(part for part in (promise.layer, layers) if part is not None)
    said = f"{promise.kind}{PROMISES[promise.kind].relation}{promise.promised:g}: {promise.found:.6g}"
    return f"{said} ({where})" if where else said

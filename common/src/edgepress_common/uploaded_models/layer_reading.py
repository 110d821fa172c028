"""Reads a layer's description into one of the kinds that are known.

A parameter that is not listed there is refused, except those that only matter to a training, or to Keras itself: they
are looked at, and left out. So what a layer says of initializers, regularizers and constraints has no effect: how a
network is trained is the spec's to say.
"""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import JsonValue, ValidationError

from edgepress_common.errors import InvalidInputError
from edgepress_common.uploaded_models.layers import Input, Layer, LeftOut

_KINDS: dict[str, type[Layer]] = {
    layer.model_fields["kind"].default: layer for layer in get_args(Layer) if layer is not LeftOut
}
_LEFT_OUT = frozenset(get_args(LeftOut.model_fields["kind"].annotation))
KNOWN_KINDS = tuple(sorted({*_KINDS, *_LEFT_OUT}))

# What every layer can say of itself that a network does not depend on, and those that have weights.
_IGNORED = frozenset({"name", "trainable", "batch_input_shape", "batch_shape", "quantization_config", "rng_type"})
_OF_TRAINING = ("_initializer", "_regularizer", "_constraint")
_OBJECT_MODULES = frozenset({"keras.initializers", "keras.regularizers", "keras.constraints"})
_DTYPES = frozenset({"float32", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"})
_MAX_DEPTH = 4  # an initializer that is made of another


def read_layer(kind: str, config: Mapping[str, JsonValue], where: str) -> Layer:
    """A layer's settings.

    Args:
        kind: The name of its class, known to be Keras's own.
        config: Its parameters, as in the file.
        where: What to call it in messages.

    Raises:
        InvalidInputError: It is of a kind, or has a parameter, that is not accepted.
    """
    if kind in _LEFT_OUT:
        return LeftOut(kind=kind)
    if kind not in _KINDS:
        raise InvalidInputError(f"{where} is a {kind!r} layer; accepted: {', '.join(KNOWN_KINDS)}")
    _check_dtype(config.get("dtype"), where)
    if kind == "InputLayer":
        return _read_input(config, where)
    parameters: dict[str, Any] = {}
    for name, value in config.items():
        if name.endswith(_OF_TRAINING):
            _check_plain_object(value, f"{where}, {name}", _MAX_DEPTH)
        elif name not in _IGNORED and name != "dtype" and not (name.startswith("renorm_")):
            parameters[name] = value
    return _validated(_KINDS[kind], parameters, where)


def _read_input(config: Mapping[str, JsonValue], where: str) -> Input:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if not isinstance(shape, list) or len(shape) != 4 or config.get("sparse") or config.get("ragged"):  # noqa: PLR2004
        raise InvalidInputError(
            f"{where} takes {shape!r}; accepted: images, [null, height, width, 3], neither sparse nor ragged"
        )
    layer = _validated(Input, {"shape": shape[1:]}, where)
    assert isinstance(layer, Input)
    return layer


def _validated(layer: type[Layer], parameters: Mapping[str, Any], where: str) -> Layer:
    try:
        return layer.model_validate(parameters)
    except ValidationError as error:
        first = error.errors()[0]
        field, found = ".".join(map(str, first["loc"])), repr(first["input"])[:200]
        accepted = ", ".join(name for name in layer.model_fields if name != "kind")
        raise InvalidInputError(
            f"{where}, {field}: {first['msg'].lower()}; found {found}; a layer of this kind can say: {accepted}"
        ) from error


def _check_dtype(dtype: JsonValue, where: str) -> None:
    """Keras 3 writes an object of a class of its own, Keras 2 a word."""
    name = dtype
    if isinstance(dtype, dict) and (dtype.get("module"), dtype.get("class_name")) == ("keras", "DTypePolicy"):
        config = dtype.get("config")
        name = config.get("name") if isinstance(config, dict) else None
    if name is not None and (not isinstance(name, str) or name not in _DTYPES):
        raise InvalidInputError(f"{where} computes in {str(dtype)[:200]}; accepted: {', '.join(sorted(_DTYPES))}")


def _check_plain_object(value: JsonValue, where: str, depth: int) -> None:
    """What is left out is none of a stranger's either."""
    match value:
        case None | bool() | int() | float() | str():
            return
        case list() if depth:
            for item in value:
                _check_plain_object(item, where, depth - 1)
        case dict() if depth and ("class_name" not in value or _is_kerass_own(value)):
            for item in value.values():
                _check_plain_object(item, where, depth - 1)
        case _:
            raise InvalidInputError(f"{where} is {str(value)[:200]}; accepted: one of Keras's own, plain")


def _is_kerass_own(value: Mapping[str, JsonValue]) -> bool:
    return value.get("module") in _OBJECT_MODULES and value.get("registered_name") in {None, value.get("class_name")}

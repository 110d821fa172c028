"""Reads a layer's description into one of the supported kinds.

A parameter that its kind does not declare is refused by name, except those that matter to training alone or to Keras
itself. Those are validated and then ignored: initializers, regularizers and constraints have no effect, because the
spec says how a network is trained.
"""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import JsonValue, ValidationError

from edgepress_common.errors import InvalidInputError
from edgepress_common.uploaded_models.layers import Input, Layer, LeftOut
from edgepress_common.validation_words import in_words

_KINDS: dict[str, type[Layer]] = {
    layer.model_fields["kind"].default: layer for layer in get_args(Layer) if layer is not LeftOut
}
_LEFT_OUT = frozenset(get_args(LeftOut.model_fields["kind"].annotation))
WEIGHTED_KINDS = frozenset(kind for kind, layer in _KINDS.items() if layer.group is not None)
KNOWN_KINDS = tuple(sorted({*_KINDS, *_LEFT_OUT}))

# Parameters of every layer that do not change what it computes.
_IGNORED = frozenset({"name", "trainable", "batch_input_shape", "batch_shape", "quantization_config", "rng_type"})
_OF_TRAINING = ("_initializer", "_regularizer", "_constraint")
_OBJECT_MODULES = frozenset({"keras.initializers", "keras.regularizers", "keras.constraints"})
# As weights are stored: the worker's weights_process.py reads the same types.
_DTYPES = frozenset({"float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"})
_POLICIES = frozenset({"DTypePolicy", "FloatDTypePolicy", "Policy"})
_POLICY_MODULES = frozenset({"keras", "keras.dtype_policies", "keras.mixed_precision", None})  # 2.12 writes none
# Functions of which Keras 2 and Keras 3 have different ones under the same name, or only Keras 3 has one.
_ONLY_KERAS_3 = frozenset({"hard_sigmoid", "hard_swish", "hard_silu", "leaky_relu"})
_INPUT_PARAMETERS = frozenset(
    {"name", "trainable", "dtype", "batch_shape", "batch_input_shape", "sparse", "ragged", "optional"}
)
_MAX_DEPTH = 4  # an initializer that is made of another


def check_kind(kind: str, where: str) -> None:
    """Check that layers of a class are supported.

    Raises:
        InvalidInputError: They are not.
    """
    if kind not in KNOWN_KINDS:
        raise InvalidInputError(f"{where} is a {kind!r} layer; accepted: {', '.join(KNOWN_KINDS)}")


def read_layer(kind: str, config: Mapping[str, JsonValue], where: str, *, keras_2: bool = False) -> Layer:
    """Return a layer's settings.

    Args:
        kind: Name of its class, known to be one of Keras.
        config: Its parameters, as in the file.
        where: What to call it in messages.
        keras_2: Whether Keras 2 wrote the file, which has other functions under some of the names.

    Raises:
        InvalidInputError: The kind or a parameter is not supported.
    """
    check_kind(kind, where)
    if kind in _LEFT_OUT:
        return LeftOut(kind=kind)
    _check_dtype(config.get("dtype"), where)
    if kind == "InputLayer":
        return _read_input(config, where)
    parameters: dict[str, Any] = {}
    for name, value in config.items():
        if name.endswith(_OF_TRAINING):
            _check_plain_object(value, f"{where}, {name}", _MAX_DEPTH)
        elif name not in _IGNORED and name != "dtype" and not (name.startswith("renorm_")):
            parameters[name] = value
    if "activation" in parameters:
        parameters["activation"] = _read_activation(parameters["activation"], where, keras_2=keras_2)
    return _validated(_KINDS[kind], parameters, where)


def _read_activation(value: JsonValue, where: str, *, keras_2: bool) -> Any:
    """A layer as an activation is read as a layer; a name is left to be validated."""
    if isinstance(value, dict) and value.get("class_name") in {"ReLU", "LeakyReLU"} and _is_a_layer(value):
        kind, config = str(value["class_name"]), value.get("config")
        return read_layer(kind, config if isinstance(config, dict) else {}, f"{where}, activation", keras_2=keras_2)
    if keras_2 and isinstance(value, str) and value in _ONLY_KERAS_3:
        raise InvalidInputError(
            f"{where}, activation: {value!r} of Keras 2, which computes something else than Keras 3 under this name; "
            "accepted: a file that Keras 3 saved, or another activation"
        )
    return value


def _is_a_layer(value: Mapping[str, JsonValue]) -> bool:
    return value.get("module") == "keras.layers" and value.get("registered_name") in {None, value.get("class_name")}


def _read_input(config: Mapping[str, JsonValue], where: str) -> Input:
    others = sorted(config.keys() - _INPUT_PARAMETERS)
    if others:
        raise InvalidInputError(
            f"{where} has {', '.join(others)[:200]}; accepted: {', '.join(sorted(_INPUT_PARAMETERS))}"
        )
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
        problem, accepted = in_words(first)
        if first["type"] == "extra_forbidden":
            problem = "is unknown"
            accepted = "the parameters " + ", ".join(name for name in layer.model_fields if name != "kind")
        elif first["type"] == "missing":
            accepted = "a value for it"
        elif problem.startswith("should be "):
            problem, accepted = "is not accepted", problem.removeprefix("should be ")
        # pydantic names the members of a union within the path, such as literal['linear', ...].
        path = [str(part) for part in first["loc"] if not (isinstance(part, str) and "[" in part)]
        place = ", ".join((where, ".".join(path))) if path else where
        found = "" if isinstance(first["input"], dict) else f"; found {first['input']!r:.200}"
        raise InvalidInputError(
            f"{place} {problem}{found}" + ("" if accepted is None else f"; accepted: {accepted}")
        ) from error


def _check_dtype(dtype: JsonValue, where: str) -> None:
    """Check a layer's type or policy: a name, or an object of one of Keras's own classes."""
    name = dtype
    if (
        isinstance(dtype, dict)
        and dtype.get("class_name") in _POLICIES
        and dtype.get("module") in _POLICY_MODULES
        and dtype.get("registered_name") in {None, dtype.get("class_name")}
    ):
        config = dtype.get("config")
        name = config.get("name") if isinstance(config, dict) else None
    if name is not None and (not isinstance(name, str) or name not in _DTYPES):
        raise InvalidInputError(f"{where} computes in {str(dtype)[:200]}; accepted: {', '.join(sorted(_DTYPES))}")


def _check_plain_object(value: JsonValue, where: str, depth: int) -> None:
    """Check that a parameter without effect is plain, or of one of Keras's own classes."""
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
            raise InvalidInputError(f"{where} is {str(value)[:200]}; accepted: a Keras object with plain parameters")


def _is_kerass_own(value: Mapping[str, JsonValue]) -> bool:
    return value.get("module") in {*_OBJECT_MODULES, None} and value.get("registered_name") in {
        None,
        value.get("class_name"),
    }

"""The entries of a description: the class, the name and the weights of a layer or of a model inside the model."""

import re

from edgepress_common.errors import InvalidInputError
from edgepress_common.uploaded_models.json_values import JsonObject, as_object
from edgepress_common.uploaded_models.layer_reading import KNOWN_KINDS, WEIGHTED_KINDS, check_kind
from edgepress_common.uploaded_models.operations import is_operation

# What TensorFlow accepts as the name of an operation, and spaces, which Keras 3 accepts.
_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_./ -]{0,199}")
# By the name of the class, what models inside a model are called where weights lie.
MODELS = {"Functional": "functional", "Model": "functional", "Sequential": "sequential"}
_MODEL_MODULES = re.compile(r"(tf_)?keras(\.src)?(\.(models|engine)(\.(functional|sequential|model|training))?)?")


def check_class(entry: JsonObject, where: str) -> None:
    """Check that an entry is an operation, a model, or a layer of a supported kind.

    Raises:
        InvalidInputError: It is something else.
    """
    if not is_operation(entry):
        kind = class_of(entry, where)
        if kind not in MODELS:
            check_kind(kind, where)


def class_of(entry: JsonObject, where: str) -> str:
    """Return the name of a class of Keras's own.

    TensorFlow 2.12 writes no module, and a class that is not Keras's own as ``package>Class``.
    """
    kind, module, registered = entry.get("class_name"), entry.get("module"), entry.get("registered_name")
    if not isinstance(kind, str) or not isinstance(module, str | None):
        raise InvalidInputError(f"{where} is of class {kind!r}; accepted: a class of Keras's own")
    if module is None and registered is None and "config" in entry and kind in {*KNOWN_KINDS, *MODELS}:
        return kind
    own = module == "keras.layers" or (kind in MODELS and _MODEL_MODULES.fullmatch(module or "") is not None)
    if not own or registered not in {None, kind}:
        raise InvalidInputError(
            f"{where} is of class {str(module)[:100]}.{kind[:100]}, registered as {str(registered)[:100]!r}: custom "
            "code is never run; accepted: layers of keras.layers"
        )
    return kind


def is_keras_2(model: JsonObject) -> bool:
    """Whether Keras 2 wrote a model: its inputs have a ``batch_input_shape``, those of Keras 3 a ``batch_shape``."""
    settings = model.get("config")
    layers = settings.get("layers") if isinstance(settings, dict) else None
    for entry in layers if isinstance(layers, list) else []:
        config = entry.get("config") if isinstance(entry, dict) else None
        if isinstance(config, dict) and "batch_input_shape" in config:
            return True
    return False


def name_of(entry: JsonObject) -> str:
    """Return the name of a layer.

    Raises:
        InvalidInputError: It is not a name that TensorFlow accepts.
    """
    settings = as_object(entry.get("config"), "a layer")
    name = entry.get("name", settings.get("name"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"a layer is called {str(name)[:100]!r}; accepted: up to 200 letters, digits, spaces and _ . / -"
        )
    return name


def has_weights(entry: JsonObject) -> bool:
    """Whether a layer, or any layer of a model inside, has weights."""
    settings = entry.get("config")
    if not isinstance(settings, dict):
        return False
    if entry.get("class_name") in MODELS:
        layers = settings.get("layers")
        return any(
            isinstance(each, dict) and has_weights(each) for each in (layers if isinstance(layers, list) else [])
        )
    return entry.get("class_name") in WEIGHTED_KINDS and settings.get("mean") is None

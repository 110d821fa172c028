"""The precision of a network's computations.

A mixed policy multiplies in 16 bits and keeps weights, BatchNorm's statistics, the classifier, logits and probabilities
in 32 bits. Models are stored and passed between stages in float32: the policy is applied before the training and
removed after it.

``auto`` depends on the machine, so it is decided once, when a training begins, and kept with its saved state: an
attempt on another machine continues in the same precision.
"""

import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

from edgepress_common.spec.training import Training
from edgepress_worker.keras_environment import keras, tf

Policy = Literal["float32", "mixed_float16", "mixed_bfloat16"]

# From compute capability 7.0 (Volta), GPUs have units for float16 matrices; others do not gain from mixed precision.
# https://www.tensorflow.org/guide/mixed_precision, "Supported hardware"
_FIRST_WITH_FLOAT16_UNITS = (7, 0)

# What Linux calls the instructions that multiply bfloat16 numbers; oneDNN, which TensorFlow computes with, uses them.
# https://github.com/torvalds/linux/blob/v6.12/arch/x86/include/asm/cpufeatures.h
_BFLOAT16_INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}

_FILE = "precision.txt"


def choose_policy(asked: Literal["auto"] | Policy, gpus: Sequence[tuple[int, int]], *, bfloat16: bool) -> Policy:
    """Return the policy for a training.

    Args:
        asked: Precision in the settings.
        gpus: Compute capability of each GPU, such as ``(8, 6)``.
        bfloat16: Whether the processor multiplies bfloat16 numbers.
    """
    if asked != "auto":
        return asked
    if gpus:
        return "mixed_float16" if all(each >= _FIRST_WITH_FLOAT16_UNITS for each in gpus) else "float32"
    return "mixed_bfloat16" if bfloat16 else "float32"


def gpu_capabilities() -> list[tuple[int, int]]:
    """Return the compute capability of each GPU that TensorFlow can use; (0, 0) if unknown."""
    return [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in tf.config.list_physical_devices("GPU")
    ]


def computes_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the processor multiplies bfloat16 numbers, so that mixed_bfloat16 is faster than float32.

    Args:
        cpuinfo: What Linux says of the processors.
    """
    if platform.machine() != "x86_64" or not cpuinfo.exists():
        return False
    flags = [line.partition(":")[2].split() for line in cpuinfo.read_text().splitlines() if line.startswith("flags")]
    return bool(flags) and all(_BFLOAT16_INSTRUCTIONS & {*each} for each in flags)


def precision_here(settings: Training) -> Policy:
    """Return the policy of a training that begins on this machine."""
    return choose_policy(settings.precision, gpu_capabilities(), bfloat16=computes_bfloat16())


def with_kept_precision(
    settings: Training, folder: Path, choose: Callable[[Training], Policy] = precision_here
) -> Training:
    """Return the settings with the precision that the training began with, in place of ``auto``.

    Args:
        settings: Settings of the training.
        folder: Folder of the training's saved state; the precision of a new training is written to it.
        choose: Function that returns the precision of a new training.
    """
    file = folder / _FILE
    policy = file.read_text() if file.exists() else ""
    if policy not in get_args(Policy):  # a new training, or an attempt that was killed before its first step
        policy = choose(settings)
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(policy)
    return settings.model_copy(update={"precision": policy})


def in_training_precision(network: keras.Model, settings: Training) -> keras.Model:
    """Return the network itself if its training computes in float32, otherwise a copy in the precision of that.

    Args:
        network: The network.
        settings: Settings with the precision decided, see `with_kept_precision`; ``auto`` is that of this machine.
    """
    policy = precision_here(settings)
    return network if policy == "float32" else with_policy(network, policy)


def with_policy(model: keras.Model, policy: Policy) -> keras.Model:
    """Return a copy of the model with its weights in another precision; not compiled.

    The last trainable layer and the layers after it stay in float32: a softmax in 16 bits loses small probabilities,
    and logits in 16 bits are too coarse for a comparison with a teacher's.
    """
    in_full = {layer.name for output in model.output_names for layer in _classifier(model.get_layer(output))}

    def convert(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        config["dtype"] = "float32" if layer.name in in_full else policy
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=convert)
    copy.set_weights(model.get_weights())
    return copy


def in_float32(model: keras.Model) -> keras.Model:
    """Return the model itself if all its layers compute in float32, otherwise a copy in float32."""
    is_plain = all(layer.dtype_policy.name == "float32" for layer in model.layers)
    return model if is_plain else with_policy(model, "float32")


def _classifier(last: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield the last layer and the layers before it, back to a trainable layer or to one with several inputs."""
    yield last
    (node,) = last.inbound_nodes
    if not last.trainable_weights and len(node.parent_nodes) == 1:
        yield from _classifier(node.parent_nodes[0].layer)

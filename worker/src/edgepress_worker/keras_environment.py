"""Imports TensorFlow and Keras; all other modules import ``tf`` and ``keras`` from here.

TFMOT and image-classifiers support only Keras 2. TensorFlow provides it (as the package ``tf_keras``) if
``TF_USE_LEGACY_KERAS`` is set before TensorFlow is first imported, and Keras 3 otherwise. A mixture of both fails late
with obscure errors. This module therefore sets the variable and verifies the result.

By default, TensorFlow uses oneDNN's kernels only on processors with instructions for neural networks (AVX-512 VNNI and
later). They are faster on older processors too: on an AMD EPYC with AVX2, an epoch of ResNet18 at 64x64 takes a quarter
of the time, because Eigen's gradient of a convolution on few pixels is slow. This module therefore enables them.
"""

import logging
import os
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import tensorflow as tf
import tf_keras as keras

if tf.keras.Model is not keras.Model:
    raise ImportError(
        f"tf.keras is {tf.keras.Model.__module__}, not tf_keras: TensorFlow was imported before "
        "edgepress_worker.keras_environment could set TF_USE_LEGACY_KERAS=1"
    )

if os.environ.get("CUDA_VISIBLE_DEVICES") not in {None, "", "-1"} and not tf.config.list_physical_devices("GPU"):
    logging.getLogger(__name__).warning(
        "CUDA_VISIBLE_DEVICES=%s, but TensorFlow sees no GPU and computes on the processor; "
        "is its CUDA version installed, and the driver new enough for it?",
        os.environ["CUDA_VISIBLE_DEVICES"],
    )

# Keras traverses a network by recursion, with one call or more for each layer in a chain, and Python's limit is 1,000
# calls. An uploaded model may have 2,000 layers, and a rebuilt one has up to four layers for each of them.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 50_000))

keras.utils.disable_interactive_logging()  # no progress bars: a worker's output is a log

__all__ = ["keras", "tf"]

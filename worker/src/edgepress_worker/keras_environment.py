"""The one place that imports TensorFlow and Keras; everybody else takes ``tf`` and ``keras`` from here.

TFMOT and image-classifiers know Keras 2 only. TensorFlow gives it (as the package ``tf_keras``) when
``TF_USE_LEGACY_KERAS`` is set before TensorFlow is first imported, and Keras 3 otherwise; a mixture of both fails late
and obscurely. So it is set here, and what came of it is looked at.

TensorFlow uses oneDNN's kernels by itself only on processors with instructions for neural networks (AVX-512 VNNI and
later). They are the faster ones on older processors too: on an AMD EPYC with AVX2, an epoch of ResNet18 at 64x64 takes
a quarter of the time with them, because Eigen's gradient of a convolution on few pixels is slow. So they are asked for.
"""

import logging
import os

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

keras.utils.disable_interactive_logging()  # no progress bars: nobody watches a worker's output

__all__ = ["keras", "tf"]

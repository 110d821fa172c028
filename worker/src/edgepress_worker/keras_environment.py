"""The one place that imports TensorFlow and Keras; everybody else takes ``tf`` and ``keras`` from here.

TFMOT and image-classifiers know Keras 2 only. TensorFlow gives it (as the package ``tf_keras``) when
``TF_USE_LEGACY_KERAS`` is set before TensorFlow is first imported, and Keras 3 otherwise; a mixture of both fails late
and obscurely. So it is set here, and what came of it is looked at.
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # without the note on oneDNN that every process would log

import tensorflow as tf  # noqa: E402 - after the settings it reads when imported
import tf_keras as keras  # noqa: E402

if tf.keras.Model is not keras.Model:
    raise ImportError(
        f"tf.keras is {tf.keras.Model.__module__}, not tf_keras: TensorFlow was imported before "
        "edgepress_worker.keras_environment could set TF_USE_LEGACY_KERAS=1"
    )

__all__ = ["keras", "tf"]

"""Reads .tflite files: what operators and weights one holds, and whether it classifies.

A stage's promise is checked here, on what is shipped, never on the Keras model it came from.
"""

from edgepress_worker import keras_environment  # noqa: F401 - before the parts of TensorFlow that are imported here

"""Writes Keras models as .tflite files and checks each: one file per kind of export, see `registry`."""

from edgepress_worker.exports.run import TFLITE_MEDIA_TYPE, StoredNetwork, run_export

__all__ = ["TFLITE_MEDIA_TYPE", "StoredNetwork", "run_export"]

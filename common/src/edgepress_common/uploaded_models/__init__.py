"""Keras models that users upload: parsed as data, never executed.

A ``.keras`` file is a zip of a description (JSON) and weights (HDF5). Keras turns the description into calls of the
classes and functions that it names. This package parses it without Keras, and never looks up anything by name:

1. `archive` opens the zip as untrusted input and extracts the description.
2. `layers` declares the supported kinds of layer and their plain parameters; everything else is rejected.
3. `network` parses the description as a graph of these layers and flattens nested models.

The result consists of types of this package, from which the worker builds the layers with calls in its own source. Only
the worker opens the weights, in a process without any other permission.
"""

from edgepress_common.uploaded_models.archive import copy_weights, read_config
from edgepress_common.uploaded_models.layers import Layer
from edgepress_common.uploaded_models.network import Call, KerasNetwork
from edgepress_common.uploaded_models.network_reading import read_network

__all__ = ["Call", "KerasNetwork", "Layer", "copy_weights", "read_config", "read_network"]

"""Keras models that users upload: read as data, never run.

A ``.keras`` file is a zip of a description (JSON) and weights (HDF5). Keras turns the description into calls of the
classes and functions it names. Here it is read without Keras, and without anything being looked up by name:

1. `archive` opens the zip as hostile and takes the description out.
2. `layers` knows some kinds of layer, and for each the plain parameters that it can have. There is nothing else.
3. `network` reads the description as a graph of these, nested models laid flat.

What comes out are values of our own types, which the worker builds layers from with calls that stand in its source. The
weights are opened only there, by a process that can do nothing else.
"""

from edgepress_common.uploaded_models.archive import copy_weights, read_config
from edgepress_common.uploaded_models.layers import Layer
from edgepress_common.uploaded_models.network import Call, KerasNetwork, read_network

__all__ = ["Call", "KerasNetwork", "Layer", "copy_weights", "read_config", "read_network"]

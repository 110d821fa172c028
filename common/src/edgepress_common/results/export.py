"""The result of an export: the .tflite file as it is read again."""

from typing import Literal

from pydantic import Field

from edgepress_common.frozen import Message, added_field
from edgepress_common.promises import KeptPromise
from edgepress_common.results.open_figures import OpenFigures
from edgepress_common.results.sensitivity import Sensitivity
from edgepress_common.results.work import OperatorWork
from edgepress_common.software import Software
from edgepress_common.tensors import ModelDescription


class ExportResult(Message):
    """A .tflite file that was verified.

    Attributes:
        size_bytes: Size of the file.
        zip_bytes: Size of the zipped file.
        encoding: ``sparse``: zeros are left out of the file, because that makes it smaller; ``dense`` otherwise.
        dense_size_bytes: Size with all zeros written.
        dense_zip_bytes: Size with all zeros written, zipped.
        sparse_size_bytes: Size with zeros left out; None if the network was not pruned, if zeros can't be left out
            (``dynamic``), or if that saves nothing.
        sparse_zip_bytes: Size with zeros left out, zipped; None as above.
        input_type: Type of the input tensor, as numpy writes it.
        output_type: Type of the output tensor, as numpy writes it.
        operators: Number of operators of each kind, by name.
        float_operators: Number of operators that compute on floats, by name.
        sparsity: Share of zeros among the weights of convolutions and dense layers.
        unique_weights_max: Largest number of different values in one weight tensor of such a layer.
        unique_weights_per_channel_max: Largest number of different values in one output channel of such a tensor.
        promises: Promises of stages and export, and what was found in the file.
        tensors: Input and output of the file; None in results that are older than this field.
        macs: Multiply-accumulate operations of one inference; None in results that are older than this field.
        weights: Number of weights that these multiply; None in results that are older than this field.
        sensitivity: What int8 costs in each layer; None if it was not measured.
        coded_bytes: Size of the coded file; None in results that are older than this field.
        work: Work of the network's operators by kind; None in results that are older than this field.
        figures: Other figures of the file.
        software: Software of the process that made the result; None in results that are older than this field.
    """

    kind: Literal["export"] = "export"
    size_bytes: int
    zip_bytes: int
    encoding: Literal["dense", "sparse"] = "dense"
    dense_size_bytes: int
    dense_zip_bytes: int
    sparse_size_bytes: int | None = None
    sparse_zip_bytes: int | None = None
    input_type: str
    output_type: str
    operators: dict[str, int]
    float_operators: dict[str, int]
    sparsity: float
    unique_weights_max: int
    unique_weights_per_channel_max: int
    promises: tuple[KeptPromise, ...] = ()
    tensors: ModelDescription | None = added_field(None)
    macs: int | None = added_field(None)
    weights: int | None = added_field(None)
    sensitivity: Sensitivity | None = added_field(None)
    coded_bytes: int | None = added_field(None)
    work: tuple[OperatorWork, ...] | None = added_field(None)
    figures: OpenFigures = Field(default_factory=dict)
    software: Software | None = added_field(None)

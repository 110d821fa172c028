"""The result of a stage: how the training went, and what the network promises."""

from typing import Literal

from pydantic import Field

from edgepress_common.frozen import Message, added_field
from edgepress_common.promises import LayerPromise, ShapePromise
from edgepress_common.results.open_figures import OpenFigures
from edgepress_common.results.work import OperatorWork
from edgepress_common.software import Software


class Epoch(Message):
    """One epoch of a training.

    Attributes:
        epoch: Counted from 1.
        loss: Mean loss over the epoch's augmented training images.
        accuracy: Accuracy over the same images.
        val_loss: Mean loss over the validation set, after the epoch.
        val_accuracy: Accuracy over the validation set, after the epoch.
        learning_rate: Learning rate at the end of the epoch.
        seconds: Duration of the training, without the validation.
        compile_seconds: Part of it that the first step of an attempt took longer than the others, to compile the
            network.
        preparation_seconds: Time before the first epoch of an attempt, for a teacher's predictions or initial clusters;
            not part of ``seconds``.
        bits_per_weight: Estimated entropy of the codes of the weights that are compressed, in bits per weight; None
            without ``entropy_weight``.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float
    compile_seconds: float = added_field(0.0)
    preparation_seconds: float = added_field(0.0)
    bits_per_weight: float | None = added_field(None)


class ChannelGroup(Message):
    """Channels that can only be removed together.

    Attributes:
        layers: Names of the layers that make them.
        before: Number of channels in the stage's input network.
        after: Number of channels in the stage's network.
        ties: Reasons why the layers lose channels together; empty for a single layer.
        fixed: Reasons why no channel can be removed; empty if channels can.
    """

    layers: tuple[str, ...]
    before: int
    after: int
    ties: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


class StageResult(Message):
    """A Keras model, trained or compressed.

    Attributes:
        epochs: Loss and accuracy of each epoch.
        val_accuracy: Validation accuracy of the model that was kept.
        parameters: Number of weights, untrained ones included.
        epoch_seconds: Mean duration of an epoch, without the time to compile the network; 0 without any. In results
            that are older than ``compile_seconds`` of an epoch: without the first epoch, if there are others.
        resumed_after_epochs: Number of saved epochs that this attempt resumed from; 0 if it started from the beginning.
        keras_bytes: Size of the HDF5 file with weights alone.
        keras_zip_bytes: Size of that file, zipped.
        keras_with_optimizer_bytes: Size of the HDF5 file with the optimizer's state too, as ``model.save`` writes it.
        keras_with_optimizer_zip_bytes: Size of that file, zipped.
        promises: Promises of this and earlier stages about the weights, by layer.
        shape: Promised channels, MACs and weights; None if the network has the shape of the model that it started from.
        channel_groups: Groups of channels, if the stage removes channels.
        work_by_keep: Work of the network's operators by the share of its MACs that channel pruning keeps, such as
            ``0.5``; of a probe only.
        devices: Number of devices that each computed a share of every batch.
        figures: Other figures of the stage.
        software: Software of the process that made the result; None in results that are older than this field.
        threads: Number of threads that computed an operation; None in results that are older than this field.
        precision: Precision of the training, such as mixed_bfloat16; None in results that are older than this field.
    """

    kind: Literal["stage"] = "stage"
    epochs: tuple[Epoch, ...]
    val_accuracy: float
    parameters: int
    epoch_seconds: float
    resumed_after_epochs: int = 0
    keras_bytes: int
    keras_zip_bytes: int
    keras_with_optimizer_bytes: int
    keras_with_optimizer_zip_bytes: int
    promises: tuple[LayerPromise, ...] = ()
    shape: ShapePromise | None = added_field(default=None)
    channel_groups: tuple[ChannelGroup, ...] = added_field(default=())
    work_by_keep: dict[str, tuple[OperatorWork, ...]] = added_field(default={})
    threads: int | None = added_field(default=None)
    precision: str | None = added_field(default=None)
    devices: int = added_field(default=1)
    figures: OpenFigures = Field(default_factory=dict)
    software: Software | None = added_field(None)

"""Packs labelled image sets to uint8 arrays that can be mapped into memory.

1. `source` and the files of the kinds (`builtin`, `folder`, `npz`, `upload`, `nct_crc_he`) find the images and labels.
2. `split` divides a set that brings no validation part of its own.
3. `packing` has the images decoded (`decoding`, `decoders`) and written as rows of .npy files (`row_file`).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgepress_common.messages import Outputs
    from edgepress_common.results import PackResult
    from edgepress_common.spec.dataset import Dataset
    from edgepress_worker.context import StepContext
    from edgepress_worker.run import Environment


def pack_dataset(
    dataset: "Dataset", context: "StepContext", environment: "Environment", *, fingerprint: str | None = None
) -> "tuple[Outputs, PackResult]":
    """Packs a data set at its image size.

    Args:
        dataset: Which.
        context: Of this attempt.
        environment: Of this worker.
        fingerprint: Digest of what a set on the server held when its job was accepted; None not to look.

    Returns:
        ``train_images`` and ``validation_images``, uint8 ``(n, side, side, 3)`` RGB, ``train_labels`` and
        ``validation_labels``, int64 ``(n,)``, as .npy artifacts in the context's store; and what was packed. The same
        images and parameters give the same bytes, whatever the number of processors.

    Raises:
        InvalidInputError: The set isn't there, isn't laid out as its kind says, lies outside the allowed folders, or
            has changed since its job was accepted.
        UnreadableDatasetError: Too many of its images can't be read, or a class has none left.
        UnavailableError: It would have to be downloaded, and can't be.
        StepFailedError: There is no room for it on the disk.
        StepCancelledError: The step was told to stop.
    """
    # Imported here, because the decoders' processes import this package too and are to start in a tenth of a second.
    from edgepress_worker.datasets.packing import pack  # noqa: PLC0415

    return pack(dataset, context, environment, fingerprint)

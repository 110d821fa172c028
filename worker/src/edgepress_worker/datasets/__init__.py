"""Packs labelled image sets to uint8 arrays that can be mapped into memory.

1. `source` and the modules of the kinds (`builtin`, `cifar10`, `folder`, `npz`, `upload`, `nct_crc_he`) find images and
   labels.
2. `split` adds the parts that a data set does not have.
3. `packing` decodes the images (`decoded`, `decoders`, `decoding`), writes them as rows of .npy files (`row_file`), and
   compares them (`twins`, `cautions`).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgepress_common.messages import Outputs
    from edgepress_common.results import PackResult
    from edgepress_common.spec.dataset_kinds import Dataset
    from edgepress_worker.context import StepContext
    from edgepress_worker.environment import Environment


def pack_dataset(
    dataset: "Dataset",
    context: "StepContext",
    environment: "Environment",
    *,
    fingerprint: str | None = None,
    most_bytes: int | None = None,
) -> "tuple[Outputs, PackResult]":
    """Pack a data set at its image size.

    Args:
        dataset: The data set.
        context: Context of the attempt.
        environment: Environment of the worker.
        fingerprint: Digest of the data set's content when the job was accepted; None to skip the comparison.
        most_bytes: Maximum size of the pack in bytes, which its user may still store; None for no such limit.

    Returns:
        ``train_images``, ``validation_images`` and, if there is a test part, ``test_images``: uint8
        ``(n, side, side, 3)`` RGB; ``train_labels`` and so on: int64 ``(n,)``; as .npy artifacts in the context's
        store; and the result of packing. Equal images and parameters result in equal bytes, independent of the number
        of processors.

    Raises:
        InvalidInputError: The data set does not exist, does not have the layout of its kind, is outside the allowed
            folders, has changed since the job was accepted, or gives a pack beyond the limit.
        UnreadableDatasetError: Too many images are unreadable, or a class has no readable image.
        UnavailableError: The data set can't be downloaded.
        StepFailedError: The disk has too little free space.
        StepCancelledError: The step is cancelled.
    """
    # Imported here, because the decoder processes import this package too and must start in a tenth of a second.
    from edgepress_worker.datasets.packing import pack  # noqa: PLC0415

    return pack(dataset, context, environment, fingerprint, most_bytes)

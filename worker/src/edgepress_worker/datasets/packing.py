"""Packs a data set of any kind.

1. The source finds images and labels; missing parts are split off.
2. An .npy file per part is created at full size, if the pack is not too large. Each image has a fixed row, so that the
   order in which decoders end has no effect.
3. The decoders write the rows. 16-bit grey images come last, when the number of significant bits is known. Unreadable
   images are counted; the step fails if there are too many, or if a class has no readable image.
4. The content is compared with the fingerprint that the job was accepted with.
5. The images are compared across the parts (`twins`) and checked by class (`cautions`).
6. The rows of unreadable images are removed, and the files are stored.
"""

import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from edgepress_common.artifacts import ArtifactStore
from edgepress_common.errors import InvalidInputError, UnreadableDatasetError
from edgepress_common.messages import Outputs
from edgepress_common.results import PackResult, UnreadableImage
from edgepress_common.spec.dataset_kind import SplittableDataset
from edgepress_common.spec.dataset_kinds import Dataset
from edgepress_worker.coded import CODED_MEDIA_TYPE
from edgepress_worker.coded.images import code_images
from edgepress_worker.context import StepContext
from edgepress_worker.datasets.cautions import cautions_of
from edgepress_worker.datasets.decoded import Decoded, SplitFile, decode_parts
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.datasets.pack_size import check_pack_fits
from edgepress_worker.datasets.registry import SOURCES
from edgepress_worker.datasets.row_file import RowFile
from edgepress_worker.datasets.source import TEST, TRAIN, VALIDATION, LabelledSet, Workplace
from edgepress_worker.datasets.split import split_set
from edgepress_worker.datasets.statistics import statistics_of
from edgepress_worker.datasets.twins import find_twins
from edgepress_worker.environment import Environment

_MEDIA_TYPE = "application/x-npy"
_NAMED_IN_RESULT = 100
_IGNORED_IN_RESULT = 20
_NAMED_IN_ERROR = 5
_PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Unreadable:
    """The unreadable images of a data set.

    Attributes:
        images: All unreadable images, with their reasons.
        total: Number of images, readable or not.
    """

    images: tuple[UnreadableImage, ...]
    total: int


def pack(
    dataset: Dataset,
    context: StepContext,
    environment: Environment,
    fingerprint: str | None,
    most_bytes: int | None,
) -> tuple[Outputs, PackResult]:
    """See `edgepress_worker.datasets.pack_dataset`."""
    source = SOURCES[dataset.kind]
    meter = Meter(context)
    meter.tell(0, "listing the images")
    with TemporaryDirectory(prefix="pack-", dir=context.scratch, ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        place = Workplace(environment, context.store, folder, meter.part(0, source.preparation_share), fingerprint)
        with source.open(dataset, place) as labelled:
            members = _split(labelled, dataset)
            check_pack_fits(len(labelled.labels), dataset.image_size, most_bytes)
            parts = [
                SplitFile(name, indices, RowFile(folder / f"{name}.npy", len(indices), dataset.image_size))
                for name, indices in members.items()
            ]
            decoded = decode_parts(labelled, parts, dataset.image_size, meter.part(source.preparation_share, 1))
        if labelled.fingerprint_of is not None:
            place.check_unchanged("the data set", labelled.fingerprint_of(decoded.digests))
        unreadable = _unreadable(decoded, labelled)
        _check_share(unreadable, dataset.max_unreadable_share)
        counts = {part.name: _readable_counts(part, labelled, decoded.is_readable) for part in parts}
        meter.tell(1, "storing the packed images")
        outputs: Outputs = {}
        for part in parts:
            outputs |= _store(part, labelled.labels, decoded.is_readable, context.store)
    result = _result(labelled, decoded, unreadable, parts, counts)
    return outputs, result.model_copy(update={"statistics": statistics_of(decoded, parts, dataset.image_size)})


def _result(
    labelled: LabelledSet,
    decoded: Decoded,
    unreadable: _Unreadable,
    parts: list[SplitFile],
    counts: dict[str, tuple[int, ...]],
) -> PackResult:
    readable = decoded.is_readable
    seen = cautions_of(labelled.classes, labelled.labels.tolist(), decoded)
    return PackResult(
        classes=labelled.classes,
        train_counts=counts["train"],
        validation_counts=counts["validation"],
        test_counts=counts.get("test"),
        unreadable_count=len(unreadable.images),
        unreadable=unreadable.images[:_NAMED_IN_RESULT],
        ignored_count=len(labelled.ignored),
        ignored=labelled.ignored[:_IGNORED_IN_RESULT],
        grey_bits=decoded.grey_bits,
        twins=find_twins(
            [part.members[readable[part.members]] for part in parts], labelled.names, decoded.digests, decoded.looks
        ),
        cautions=(*labelled.cautions, *seen),
    )


def _split(labelled: LabelledSet, dataset: Dataset) -> dict[str, Indices]:
    """Return the indices of the images of each part; there is no entry for a missing test part."""
    parts = labelled.parts
    if isinstance(dataset, SplittableDataset):
        parts = split_set(
            labelled,
            validation_fraction=dataset.validation_fraction,
            test_fraction=dataset.test_fraction,
            seed=dataset.split_seed,
        )
    members = {name: np.flatnonzero(parts == number) for name, number in _PARTS.items()}
    if len(members["test"]) == 0:
        del members["test"]
    for name, indices in members.items():
        missing = _classes_without(_counts(labelled, indices), labelled)
        if missing:
            raise InvalidInputError(f"no {name} image of the class {missing}; accepted: at least one of each class")
    return members


def _unreadable(decoded: Decoded, labelled: LabelledSet) -> _Unreadable:
    found = (UnreadableImage(name=labelled.names[index], reason=reason) for index, reason in decoded.reasons.items())
    return _Unreadable((*found, *labelled.unusable), len(labelled.labels) + len(labelled.unusable))


def _check_share(unreadable: _Unreadable, max_share: float) -> None:
    count, total = len(unreadable.images), unreadable.total
    if count > max_share * total:
        named = "; ".join(f"{image.name}: {image.reason}" for image in islice(unreadable.images, _NAMED_IN_ERROR))
        more = "; ..." if count > _NAMED_IN_ERROR else ""
        raise UnreadableDatasetError(
            f"{count} of {total} images ({count / total:.2%}) can't be read; accepted: up to "
            f"{max_share:.2%} (dataset.max_unreadable_share). {named}{more}"
        )


def _readable_counts(part: SplitFile, labelled: LabelledSet, readable: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    counts = _counts(labelled, part.members[readable[part.members]])
    missing = _classes_without(counts, labelled)
    if missing:
        raise UnreadableDatasetError(
            f"no {part.name} image of the class {missing} can be read; accepted: at least one of each class"
        )
    return counts


def _counts(labelled: LabelledSet, members: Indices) -> tuple[int, ...]:
    return tuple(np.bincount(labelled.labels[members], minlength=len(labelled.classes)).tolist())


def _classes_without(counts: tuple[int, ...], labelled: LabelledSet) -> str:
    return ", ".join(name for name, count in zip(labelled.classes, counts, strict=True) if count == 0)


def _store(part: SplitFile, labels: Indices, readable: npt.NDArray[np.bool_], store: ArtifactStore) -> Outputs:
    kept = readable[part.members]
    if not kept.all():
        part.file.keep(kept)
    content = io.BytesIO()
    np.save(content, labels[part.members[kept]])
    outputs: Outputs = {}
    coded = part.file.path.with_suffix(".epz")
    if part.name != "train" and code_images(part.file.path, coded):  # which devices download
        outputs[f"{part.name}_images_coded"] = store.put_file(coded, CODED_MEDIA_TYPE, move=True)
    return outputs | {
        f"{part.name}_images": store.put_file(part.file.path, _MEDIA_TYPE, move=True),
        f"{part.name}_labels": store.put_bytes(content.getvalue(), _MEDIA_TYPE),
    }

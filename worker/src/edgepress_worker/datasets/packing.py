"""Packs a data set, whatever its kind.

1. The set's source finds images and labels; the set is split, if it brings no split.
2. Two .npy files are made at full size. Each image has its row there from the start, so the order in which decoders end
   doesn't show.
3. The decoders write the rows. Images that can't be read are counted; too many of them, or a class that has none left,
   fail the step.
4. The rows of unreadable images are closed up, and all goes into the store.
"""

import io
from collections.abc import Iterator
from contextlib import closing
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
from edgepress_common.spec.dataset import Dataset, NctCrcHeDataset
from edgepress_worker.context import StepContext
from edgepress_worker.datasets.decoder_process import Setup, Task
from edgepress_worker.datasets.decoders import decode_all
from edgepress_worker.datasets.meter import Meter
from edgepress_worker.datasets.registry import SOURCES
from edgepress_worker.datasets.row_file import RowFile
from edgepress_worker.datasets.source import LabelledSet, Workplace
from edgepress_worker.datasets.split import split_by_class
from edgepress_worker.run import Environment

_MEDIA_TYPE = "application/x-npy"
_NAMED_IN_RESULT = 100
_NAMED_IN_ERROR = 5

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Part:
    """Training or validation.

    Attributes:
        name: ``train`` or ``validation``.
        members: Indices of its images in the set, ascending: row ``r`` of the file is image ``members[r]``.
        file: Its pixels.
    """

    name: str
    members: Indices
    file: RowFile


def pack(
    dataset: Dataset, context: StepContext, environment: Environment, fingerprint: str | None
) -> tuple[Outputs, PackResult]:
    """See `edgepress_worker.datasets.pack_dataset`."""
    source = SOURCES[dataset.kind]
    meter = Meter(context)
    meter.tell(0, "looking for the images")
    with TemporaryDirectory(prefix="pack-", dir=context.scratch, ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        preparation = meter.part(0, source.preparation_share)
        with source.open(dataset, Workplace(environment, context.store, folder, preparation, fingerprint)) as labelled:
            members = _split(labelled, dataset)
            parts = [
                _Part(name, indices, RowFile(folder / f"{name}.npy", len(indices), dataset.image_size))
                for name, indices in members.items()
            ]
            reasons = _decode(labelled, parts, dataset.image_size, meter.part(source.preparation_share, 1))
        _check_share(reasons, labelled, dataset.max_unreadable_share)
        readable = np.ones(len(labelled.labels), dtype=np.bool_)
        readable[list(reasons)] = False
        counts = {part.name: _readable_counts(part, labelled, readable) for part in parts}
        meter.tell(1, "storing the packed images")
        outputs: Outputs = {}
        for part in parts:
            outputs |= _store(part, labelled.labels, readable, context.store)
    return outputs, PackResult(
        classes=labelled.classes,
        train_counts=counts["train"],
        validation_counts=counts["validation"],
        unreadable_count=len(reasons),
        unreadable=_named(reasons, labelled, _NAMED_IN_RESULT),
    )


def _split(labelled: LabelledSet, dataset: Dataset) -> dict[str, Indices]:
    """The indices of the images that train, and of those that validate."""
    validates = labelled.validates
    if validates is None:
        assert not isinstance(dataset, NctCrcHeDataset)  # which brings its split
        validates = split_by_class(
            labelled.names, labelled.labels, fraction=dataset.validation_fraction, seed=dataset.split_seed
        )
    members = {"train": np.flatnonzero(~validates), "validation": np.flatnonzero(validates)}
    for name, indices in members.items():
        missing = _classes_without(_counts(labelled, indices), labelled)
        if missing:
            raise InvalidInputError(f"no {name} image of the class {missing}; accepted: at least one of each class")
    return members


def _decode(labelled: LabelledSet, parts: list[_Part], side: int, meter: Meter) -> dict[int, str]:
    """Fills the files. Returns why each image that can't be read can't, by its index, ascending."""
    total = len(labelled.labels)
    setup = Setup(side, tuple(str(part.file.path) for part in parts))
    done = 0
    reasons: dict[int, str] = {}
    meter.tell(0, f"packing {total} images")
    with closing(decode_all(_tasks(labelled, parts), total, setup)) as progress:
        for count, failures in progress:
            done += count
            reasons.update(failures)
            meter.tell(done / total, f"packing {done} of {total}")
    return dict(sorted(reasons.items()))


def _tasks(labelled: LabelledSet, parts: list[_Part]) -> Iterator[Task]:
    files = np.empty(len(labelled.labels), dtype=np.int64)
    rows = np.empty_like(files)
    for number, part in enumerate(parts):
        files[part.members] = number
        rows[part.members] = np.arange(len(part.members))
    for index, (image, file, row) in enumerate(zip(labelled.images, files.tolist(), rows.tolist(), strict=True)):
        yield Task(index, image, file, parts[file].file.offset(row))


def _check_share(reasons: dict[int, str], labelled: LabelledSet, max_share: float) -> None:
    total = len(labelled.labels)
    if len(reasons) > max_share * total:
        named = "; ".join(f"{image.name}: {image.reason}" for image in _named(reasons, labelled, _NAMED_IN_ERROR))
        more = "; ..." if len(reasons) > _NAMED_IN_ERROR else ""
        raise UnreadableDatasetError(
            f"{len(reasons)} of {total} images ({len(reasons) / total:.2%}) can't be read; accepted: up to "
            f"{max_share:.2%} (dataset.max_unreadable_share). {named}{more}"
        )


def _named(reasons: dict[int, str], labelled: LabelledSet, count: int) -> tuple[UnreadableImage, ...]:
    first = islice(reasons.items(), count)
    return tuple(UnreadableImage(name=labelled.names[index], reason=reason) for index, reason in first)


def _readable_counts(part: _Part, labelled: LabelledSet, readable: npt.NDArray[np.bool_]) -> tuple[int, ...]:
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


def _store(part: _Part, labels: Indices, readable: npt.NDArray[np.bool_], store: ArtifactStore) -> Outputs:
    kept = readable[part.members]
    if not kept.all():
        part.file.keep(kept)
    content = io.BytesIO()
    np.save(content, labels[part.members[kept]])
    return {
        f"{part.name}_images": store.put_file(part.file.path, _MEDIA_TYPE, move=True),
        f"{part.name}_labels": store.put_bytes(content.getvalue(), _MEDIA_TYPE),
    }

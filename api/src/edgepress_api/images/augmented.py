"""Images as the trainings of a job saw them, and what was drawn, in words."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from edgepress_api.database import JobRow, PipelineRow, PipelineStepRow, StepRow
from edgepress_common.answers.samples import AugmentedRow, AugmentedView
from edgepress_common.results import StageResult
from edgepress_common.spec import Augmentation
from edgepress_common.steps import StageStep


def augmented_of_job(session: Session, job: JobRow, train_images: str) -> AugmentedView | None:
    """Return the augmented images of the job's first training that has some, at the size of the pack.

    Args:
        session: The database session.
        job: The job.
        train_images: SHA-256 of the artifact with the training images; a network for smaller images has another pack.
    """
    rows = session.scalars(
        select(StepRow)
        .join(PipelineStepRow, PipelineStepRow.step_key == StepRow.key)
        .join(PipelineRow, PipelineRow.id == PipelineStepRow.pipeline_id)
        .where(PipelineRow.job_number == job.number, StepRow.kind == "stage", StepRow.state == "succeeded")
        .order_by(PipelineRow.position, PipelineStepRow.position)
    )
    for row in rows:
        sources = [entry.source.outputs or {} for entry in row.inputs if entry.role == "pack"]
        is_same_size = [each["train_images"].sha256 for each in sources if "train_images" in each] == [train_images]
        found, stored = row.result, (row.outputs or {}).get("augmented_samples")  # archives do not have them
        if not is_same_size or not isinstance(found, StageResult) or found.augmented is None or stored is None:
            continue
        assert isinstance(row.parameters, StageStep)
        epochs = found.augmented.epochs
        return AugmentedView(
            images_sha256=stored.sha256,
            originals_sha256=train_images,
            epochs=epochs,
            words=augmentation_words(row.parameters.training.augmentation, epochs),
            images=tuple(
                AugmentedRow(
                    index=image.index,
                    label=image.label,
                    rows=tuple(range(place * epochs, (place + 1) * epochs)),
                )
                for place, image in enumerate(found.augmented.images)
            ),
        )
    return None


def augmentation_words(augmentation: Augmentation, epochs: int) -> str:
    """Return what was drawn for each image, in two sentences."""
    seen = f"the pixels that training saw in its first {epochs} epochs" if epochs > 1 else "what its epoch saw"
    return f"Images as they are, and {seen}. Each time, an image is {', '.join(_changes(augmentation))}."


def _changes(augmentation: Augmentation) -> Iterator[str]:
    if augmentation.horizontal_flip:
        yield "mirrored left to right with probability 0.5"
    if augmentation.vertical_flip:
        yield "mirrored top to bottom with probability 0.5"
    if augmentation.rotation_degrees:
        yield f"rotated by up to {augmentation.rotation_degrees:g}° in either direction"
    for name, strength in (
        ("brightness", augmentation.brightness),
        ("contrast", augmentation.contrast),
        ("saturation", augmentation.saturation),
    ):
        if strength:
            yield f"changed in {name} by a factor of {1 - strength:.2g} to {1 + strength:.2g}"
    mixed = []
    if augmentation.mixup:
        mixed.append(f"blended with another image of its batch (mixup {augmentation.mixup:g})")
    if augmentation.cutmix:
        mixed.append(f"pasted over by a square of another image of its batch (cutmix {augmentation.cutmix:g})")
    if mixed:
        yield " or ".join(mixed)

"""Packs with real images, and evaluations that say what wrong images are taken for, in a gateway without workers."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from edgepress_api.database import StepArtifactRow, StepRow
from edgepress_common.artifacts import ArtifactRef, ArtifactStore
from edgepress_common.results import (
    AugmentedImage,
    AugmentedSamples,
    EvaluationResult,
    SplitResult,
    StageResult,
    WrongImages,
)
from edgepress_common.spec import Augmentation
from edgepress_common.steps import StageStep
from fakes.gateway_app import GatewayApp

SIDE = 32
LABELS = {"train": [0] * 8 + [1] * 8, "validation": [0, 0, 1, 1], "test": [0, 0, 0, 1, 1, 1]}
FLOAT32, INT8 = "a1" * 32, "b2" * 32
# What the two files answer for the images of a split.
ANSWERS = {
    FLOAT32: {"validation": [0, 0, 0, 1], "test": [0, 0, 0, 1, 0, 0]},
    INT8: {"validation": [0, 1, 0, 1], "test": [0, 0, 1, 1, 0, 1]},
}


def images(split: str) -> npt.NDArray[np.uint8]:
    """Return the images of a split, uint8 ``(n, 32, 32, 3)``: noise."""
    return np.random.default_rng(len(split)).integers(0, 256, (len(LABELS[split]), SIDE, SIDE, 3), dtype=np.uint8)


def split_result(labels: Sequence[int], answers: Sequence[int], *, is_reported: bool = True) -> SplitResult:
    """Return the figures of a file that gives these answers for images of two classes."""
    confusion = np.zeros((2, 2), int)
    np.add.at(confusion, (labels, answers), 1)
    right = np.equal(labels, answers)
    number = int("".join("01"[each] for each in right.tolist()), 2)
    wrong = [answer for answer, is_right in zip(answers, right, strict=True) if not is_right]
    return SplitResult(
        images=len(labels),
        accuracy=float(right.mean()),
        precision=0.7,
        recall=0.7,
        f1=0.7,
        confusion=tuple(map(tuple, confusion.tolist())),
        right_images=base64.b64encode(number.to_bytes(-(-len(labels) // 8))).decode(),
        wrong_images=WrongImages(
            predicted=tuple(wrong),
            scores=tuple(0.9 - 0.1 * at for at in range(len(wrong))),
            true_scores=tuple(0.1 + 0.1 * at for at in range(len(wrong))),
        )
        if is_reported
        else None,
    )


def store_pack(store: ArtifactStore, splits: Sequence[str]) -> dict[str, ArtifactRef]:
    """Store images and labels as a worker does, and return the outputs of the step."""
    outputs = {}
    for split in splits:
        for name, values in (("images", images(split)), ("labels", np.array(LABELS[split], np.int64))):
            content = io.BytesIO()
            np.save(content, values)
            outputs[f"{split}_{name}"] = store.put_bytes(content.getvalue())
    return outputs


def show_images(gateway: GatewayApp, *, is_reported: bool = True) -> None:
    """Give the finished steps of a gateway's jobs real images, and answers for each of them."""
    with gateway.database.write() as session:
        for step in session.scalars(select(StepRow).where(StepRow.state == "succeeded")):
            if step.kind == "pack":
                has_test = getattr(step.result, "test_counts", None) is not None
                step.outputs = store_pack(gateway.store, ["train", "validation", *(["test"] if has_test else [])])
                for artifact in step.outputs.values():
                    session.merge(StepArtifactRow(sha256=artifact.sha256, step_key=step.key, size_bytes=1))
            elif isinstance(step.result, EvaluationResult):
                step.result = _answering(step, step.result, is_reported=is_reported)


def augment(gateway: GatewayApp) -> npt.NDArray[np.uint8]:
    """Give the finished stages with augmentation images of two classes in three epochs, and return these."""
    pixels = np.random.default_rng(9).integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)
    content = io.BytesIO()
    np.save(content, pixels)
    artifact = gateway.store.put_bytes(content.getvalue())
    samples = AugmentedSamples(images=(AugmentedImage(index=0, label=0), AugmentedImage(index=8, label=1)), epochs=3)
    with gateway.database.write() as session:
        for step in session.scalars(select(StepRow).where(StepRow.state == "succeeded", StepRow.kind == "stage")):
            assert isinstance(step.result, StageResult)
            assert isinstance(step.parameters, StageStep)
            if step.parameters.training.augmentation == Augmentation():
                continue
            step.result = step.result.model_copy(update={"augmented": samples})
            step.outputs = (step.outputs or {}) | {"augmented_samples": artifact}
            session.merge(StepArtifactRow(sha256=artifact.sha256, step_key=step.key, size_bytes=1))
    return pixels


def _answering(step: StepRow, result: EvaluationResult, *, is_reported: bool) -> EvaluationResult:
    file = FLOAT32 if step.title.startswith("float32") else INT8
    found = {
        split: split_result(LABELS[split], answers, is_reported=is_reported) for split, answers in ANSWERS[file].items()
    }
    changes = dict(found["validation"]) | {"model_sha256": file}
    measured = tuple(each.model_copy(update={"accuracy": found["validation"].accuracy}) for each in result.measurements)
    if result.test is not None:
        changes["test"] = found["test"]
    return result.model_copy(update=changes | {"measurements": measured})

"""Loss of a training step with teachers.

With w the weight of an image, the loss of a batch is

    alpha mean(w CE(labels, student)) + (1 - alpha) r L(teachers, student) + hints

The first term is the loss of plain training, including label smoothing. L is one of the losses in `loss`, for ``kd``
the mean of w T^2 KL(teachers || student). r is 1, or rises linearly to 1 during a warm-up. For the last term, see
`hints`. Validation is that of plain training.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from edgepress_common.spec.teaching import DistillationLoss, DistLoss, DkdLoss, KdLoss
from edgepress_worker.distillation.hints import HintedLayer
from edgepress_worker.distillation.loss import decoupled_divergence, divergence, relation
from edgepress_worker.keras_environment import tf


@dataclass(frozen=True)
class Batch:
    """A batch of training images, and what the teachers say of it.

    Attributes:
        labels: One-hot or mixed labels ``(batch, classes)``.
        weights: Weights of the images ``(batch,)``.
        taught: The teachers' logits, float32 ``(batch, classes)``, and the outputs of their hinted layers.
    """

    labels: tf.Tensor
    weights: tf.Tensor
    taught: Sequence[tf.Tensor]


@dataclass(frozen=True)
class Lesson:
    """The lesson of one or more teachers.

    Attributes:
        alpha: Weight of the labels in the loss, 0 to 1; the teachers have the rest.
        temperature: Divisor of the logits, 1 or more.
        kind: Kind of loss, with its parameters.
        steps_per_epoch: Number of steps in an epoch, for a warm-up.
        hints: Layers that learn from the teacher's layers.
        teach: Function that returns the teachers' logits for a batch of pixels, and the outputs of hinted layers; None
            if the batches contain the logits. It is a plain function, because a model would become a part of the
            student and be trained, saved and seeded with it.
    """

    alpha: float
    temperature: float
    kind: DistillationLoss = field(default_factory=KdLoss)
    steps_per_epoch: int = 1
    hints: tuple[HintedLayer, ...] = ()
    teach: Callable[[tf.Tensor], Sequence[tf.Tensor]] | None = None

    def taught(self, images: tf.Tensor, known: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        """Return the teachers' logits for a batch, and the outputs of their hinted layers.

        Args:
            images: Pixels, float32 ``(batch, side, side, 3)``.
            known: What the batch has in addition to images, labels and weights: the logits, unless they are computed.
        """
        return known if self.teach is None else self.teach(images)

    def loss(self, from_labels: tf.Tensor, batch: Batch, outputs: Sequence[tf.Tensor], step: tf.Tensor) -> tf.Tensor:
        """Return the loss of a batch.

        Args:
            from_labels: The loss of plain training, a scalar.
            batch: The batch.
            outputs: The student's logits, float32 ``(batch, classes)``, and the outputs of its hinted layers.
            step: Number of finished steps.
        """
        from_teacher = self._from_teacher(batch, outputs[0])
        if isinstance(self.kind, DkdLoss) and self.kind.warmup_epochs:
            steps = self.kind.warmup_epochs * self.steps_per_epoch
            from_teacher *= tf.minimum(1.0, (tf.cast(step, tf.float32) + 1) / steps)
        loss = self.alpha * from_labels + (1 - self.alpha) * from_teacher
        for hint, output, taught in zip(self.hints, outputs[1:], batch.taught[1:], strict=True):
            loss += hint.loss(output, taught, batch.weights)
        return loss

    def _from_teacher(self, batch: Batch, logits: tf.Tensor) -> tf.Tensor:
        taught, weights = batch.taught[0], batch.weights
        match self.kind:
            case KdLoss():
                return tf.reduce_mean(weights * divergence(taught, logits, self.temperature))
            case DkdLoss(target_weight=of_class, others_weight=of_others):
                parts = (of_class, of_others)
                each = decoupled_divergence(taught, logits, batch.labels, self.temperature, parts)
                return tf.reduce_mean(weights * each)
            case DistLoss(classes_weight=of_classes, images_weight=of_images):
                return relation(taught, logits, weights, self.temperature, (of_classes, of_images))
            case _ as unknown:
                assert_never(unknown)

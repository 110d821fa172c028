"""The learning rate of each step.

With s the number of finished steps, W the steps of the warm-up and S those of the entire training:

1. Warm-up: times (s + 1) / W while s < W.
2. constant: 1. cosine: (1 + cos(pi p)) / 2, with p = (s - W) / (S - W), from 0 to 1. step: 1, then 0.1 from s = S / 2,
   then 0.01 from s = 3 S / 4.

The step is the optimizer's own count, so that a resumed training continues with the right rate.
"""

import math

from edgepress_common.spec.training import Training
from edgepress_worker.keras_environment import keras, tf


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate schedule of the settings."""

    def __init__(self, settings: Training, steps_per_epoch: int) -> None:
        self._settings = settings
        self._steps_per_epoch = steps_per_epoch

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Return the learning rate after a number of steps, as a float32 scalar."""
        done = tf.cast(step, tf.float32)
        return self._settings.learning_rate * self._warmup(done) * self._shape(done)

    def get_config(self) -> dict[str, object]:
        """Return the settings that Keras writes to a file with the optimizer's state."""
        return {"settings": self._settings.model_dump(mode="json"), "steps_per_epoch": self._steps_per_epoch}

    @property
    def _warmup_steps(self) -> float:
        return self._settings.warmup_epochs * self._steps_per_epoch

    @property
    def _total_steps(self) -> int:
        return self._settings.epochs * self._steps_per_epoch

    def _warmup(self, done: tf.Tensor) -> tf.Tensor:
        return tf.minimum(1.0, (done + 1) / max(1.0, self._warmup_steps))

    def _shape(self, done: tf.Tensor) -> tf.Tensor:
        match self._settings.schedule:
            case "constant":
                return 1.0
            case "cosine":
                progress = (done - self._warmup_steps) / (self._total_steps - self._warmup_steps)
                return (1 + tf.cos(math.pi * tf.clip_by_value(progress, 0.0, 1.0))) / 2
            case "step":
                share = done / self._total_steps
                return tf.where(share < 1 / 2, 1.0, tf.where(share < 3 / 4, 0.1, 0.01))

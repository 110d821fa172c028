"""An exponential moving average of a model's trained variables.

After step n, counted from 1, the average a of a variable v becomes d a + (1 - d) v, with d = min(decay, (1 + n) /
(10 + n)): the average of a short training is not dominated by its beginning (TensorFlow's
`tf.train.ExponentialMovingAverage` with ``num_updates``). Of a compressed kernel, the master and the shared values are
averaged, not the kernel; the kernel is then computed from these, so that zeros, shared values and int8's grid hold
(averaging zeros that moved, or rounded values, would give other values).
"""

from collections.abc import Sequence

from edgepress_worker.keras_environment import keras, tf


class WeightAverage(tf.Module):
    """The average of some variables.

    Args:
        variables: The trained variables; their values are the first average.
        decay: Share of the average that is kept at each step, above 0 and below 1.
    """

    def __init__(self, variables: Sequence[tf.Variable], decay: float) -> None:
        super().__init__()
        self._decay = decay
        self._trained = list(variables)
        self.averages = [tf.Variable(tf.convert_to_tensor(each), trainable=False) for each in variables]

    def follow(self, step: int) -> None:
        """Take the values after a step, counted from 1, into the average."""
        self._follow(tf.constant(1 - min(self._decay, (1 + step) / (10 + step)), tf.float32))

    @tf.function
    def swap(self) -> None:
        """Exchange the values of the variables and their averages, bit for bit; a second call undoes it."""
        for average, trained in zip(self.averages, self._trained, strict=True):
            values = tf.identity(trained)
            trained.assign(tf.identity(average))
            average.assign(values)

    @tf.function
    def _follow(self, share: tf.Tensor) -> None:
        for average, trained in zip(self.averages, self._trained, strict=True):
            average.assign_add(share * (trained - average))


class FollowWeights(keras.callbacks.Callback):
    """Updates an average after each step.

    Args:
        average: The average of the model's variables.
    """

    def __init__(self, average: WeightAverage) -> None:
        super().__init__()
        self._average = average

    def on_train_batch_end(self, _batch: int, _logs: dict[str, float] | None = None) -> None:
        """Follow by the optimizer's step count, so that a resumed training continues equally."""
        self._average.follow(int(self.model.optimizer.iterations))

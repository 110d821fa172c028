"""The learning rate, step by step."""

import pytest

from edgepress_common.spec.training import Training
from edgepress_worker.keras_environment import keras, tf
from edgepress_worker.training.optimizer import learning_rate, make_optimizer
from edgepress_worker.training.schedule import Schedule

STEPS = 10  # in an epoch


@pytest.mark.parametrize(
    ("settings", "step", "expected"),
    [
        ({"schedule": "constant"}, 0, 1.0),
        ({"schedule": "constant"}, 39, 1.0),
        ({"schedule": "cosine"}, 0, 1.0),
        ({"schedule": "cosine"}, 20, 0.5),
        ({"schedule": "cosine"}, 40, 0.0),
        ({"schedule": "step"}, 19, 1.0),
        ({"schedule": "step"}, 20, 0.1),
        ({"schedule": "step"}, 29, 0.1),
        ({"schedule": "step"}, 30, 0.01),
        ({"schedule": "constant", "warmup_epochs": 2}, 0, 0.05),
        ({"schedule": "constant", "warmup_epochs": 2}, 9, 0.5),
        ({"schedule": "constant", "warmup_epochs": 2}, 19, 1.0),
        ({"schedule": "cosine", "warmup_epochs": 2}, 19, 1.0),
        ({"schedule": "cosine", "warmup_epochs": 2}, 30, 0.5),
        ({"schedule": "cosine", "warmup_epochs": 0.5}, 4, 1.0),
    ],
)
def test_rate_of_a_step(settings: dict[str, object], step: int, expected: float) -> None:
    """The rate of each step in four epochs is given as a fraction of the peak rate."""
    training = Training.model_validate({"epochs": 4, "learning_rate": 0.2} | settings)
    assert float(Schedule(training, STEPS)(tf.constant(step, tf.int64))) == pytest.approx(0.2 * expected, abs=1e-7)


@pytest.mark.parametrize("loss_scaling", [False, True])
@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_optimizer_follows_its_own_count(name: str, loss_scaling: bool) -> None:
    """The rate told is that of the step made last, by the optimizer's own count of steps."""
    settings = Training.model_validate({"epochs": 4, "learning_rate": 0.2, "schedule": "step", "optimizer": name})
    optimizer = make_optimizer(settings, steps_per_epoch=STEPS, loss_scaling=loss_scaling)
    optimizer.iterations.assign(20)
    assert learning_rate(optimizer) == pytest.approx(0.2)
    optimizer.iterations.assign(21)
    assert learning_rate(optimizer) == pytest.approx(0.02)


def test_momentum_is_that_of_the_settings() -> None:
    """SGD takes its momentum from the settings."""
    optimizer = make_optimizer(Training(optimizer="sgd", momentum=0.7), steps_per_epoch=STEPS, loss_scaling=False)
    weight = tf.Variable(0.0)
    for _ in range(2):
        optimizer.apply_gradients([(tf.constant(1.0), weight)])
    assert isinstance(optimizer, keras.optimizers.legacy.SGD)
    # Steps of about the highest rate: 1, then 1 + 0.7.
    assert float(weight) == pytest.approx(-2.7 * Training().learning_rate, rel=0.01)

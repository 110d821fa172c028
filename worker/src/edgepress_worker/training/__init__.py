"""Training, shared by all methods; see `loop`."""

from edgepress_worker.training.loop import TrainingOutcome, train
from edgepress_worker.training.precision import in_training_precision, with_policy
from edgepress_worker.training.repeatability import begin_repeatable

__all__ = ["TrainingOutcome", "begin_repeatable", "in_training_precision", "train", "with_policy"]

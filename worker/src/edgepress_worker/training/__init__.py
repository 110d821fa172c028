"""Training, shared by all methods; see `loop`."""

from edgepress_worker.training.loop import TrainingOutcome, train
from edgepress_worker.training.precision import choose_policy, gpu_capabilities, with_policy
from edgepress_worker.training.repeatability import begin_repeatable

__all__ = ["TrainingOutcome", "begin_repeatable", "choose_policy", "gpu_capabilities", "train", "with_policy"]

"""Training that every method shares; see `loop` for how it goes."""

from edgepress_worker.training.loop import TrainingRecord, train
from edgepress_worker.training.precision import choose_policy, gpu_capabilities, with_policy
from edgepress_worker.training.repeatability import begin_repeatable

__all__ = ["TrainingRecord", "begin_repeatable", "choose_policy", "gpu_capabilities", "train", "with_policy"]

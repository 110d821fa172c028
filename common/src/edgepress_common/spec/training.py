"""How a network is trained."""

from typing import Literal, Self

from pydantic import Field, model_validator

from edgepress_common.frozen import Frozen


class Augmentation(Frozen):
    """Random changes to each training image, drawn anew every epoch."""

    horizontal_flip: bool = Field(default=False, description="Mirror left to right, half of the time.")
    vertical_flip: bool = Field(default=False, description="Mirror top to bottom, half of the time.")
    rotation_degrees: float = Field(
        default=0,
        ge=0,
        le=180,
        description="Rotate by an angle drawn evenly from plus or minus this; 180 is any angle.",
    )


class EarlyStopping(Frozen):
    """Stop once validation no longer improves, and keep the best epoch's weights."""

    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"
    patience: int = Field(default=5, ge=1, le=1000, description="Epochs without improvement to wait for.")
    min_delta: float = Field(default=0.0, ge=0, description="Smallest change that counts as improvement.")


class Training(Frozen):
    """The settings of one training."""

    epochs: int = Field(
        default=10, ge=0, le=1000, description="1 or more; 0 takes an uploaded model with the weights it has."
    )
    batch_size: int = Field(default=32, ge=1, le=4096)
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0, le=10, description="At its highest, where it has a schedule.")
    schedule: Literal["constant", "cosine", "step"] = Field(
        default="cosine",
        description="constant; cosine: falls to zero along half a cosine; step: a tenth after half, a hundredth after "
        "three quarters of the epochs.",
    )
    warmup_epochs: float = Field(default=0, ge=0, description="Epochs over which the learning rate rises from zero.")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="Of sgd; ignored by adam.")
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: each class weighs as much as any other, however many images it has."
    )
    augmentation: Augmentation = Augmentation()
    early_stopping: EarlyStopping | None = None
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = Field(
        default="auto", description="auto: mixed_float16 on a GPU that gains from it, float32 elsewhere."
    )
    batch_norm_momentum: float | Literal["auto"] = Field(
        default="auto",
        description="Of BatchNorm's moving statistics. auto: they remember a fifth of an epoch, at most Keras's 0.99, "
        "so that validation after few steps judges the weights rather than lagging statistics.",
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="Of the weights, the order and the augmentation.")

    @model_validator(mode="after")
    def _warmup_ends(self) -> Self:
        if self.warmup_epochs >= max(self.epochs, 1):
            raise ValueError(f"warmup_epochs is {self.warmup_epochs:g}; accepted: less than epochs, {self.epochs}")
        if self.batch_norm_momentum != "auto" and not 0 <= self.batch_norm_momentum < 1:
            raise ValueError(f"batch_norm_momentum is {self.batch_norm_momentum}; accepted: auto, or 0 to below 1")
        return self

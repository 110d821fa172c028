"""Training settings."""

from typing import Literal, Self

from pydantic import Field, model_validator

from edgepress_common.frozen import Frozen, added_field

SEEDS = 2**31  # numbers that are valid as a seed


class Augmentation(Frozen):
    """Random changes to each training image, different in every epoch."""

    horizontal_flip: bool = Field(default=False, description="Mirror left to right, with probability 0.5.")
    vertical_flip: bool = Field(default=False, description="Mirror top to bottom, with probability 0.5.")
    rotation_degrees: float = Field(
        default=0,
        ge=0,
        le=180,
        description="Maximum rotation in degrees, in either direction, uniformly distributed; 180 allows any angle.",
    )
    brightness: float = added_field(
        0.0, ge=0, le=1, description="Maximum change of the brightness, as a share: 0.2 allows factors from 0.8 to 1.2."
    )
    contrast: float = added_field(0.0, ge=0, le=1, description="Maximum change of the contrast, as a share.")
    saturation: float = added_field(0.0, ge=0, le=1, description="Maximum change of the saturation, as a share.")
    mixup: float = added_field(
        0.0,
        ge=0,
        le=10,
        description="Blend each image, and its label, with another of its batch: the parameter of the Beta "
        "distribution of the shares, such as 0.2. 0: no blending.",
    )
    cutmix: float = added_field(
        0.0,
        ge=0,
        le=10,
        description="Replace a rectangle of each image, and a share of its label, by those of another image of its "
        "batch: the parameter of the Beta distribution of the shares, such as 1. 0: no replacing.",
    )


class EarlyStopping(Frozen):
    """Stop when the validation metric no longer improves, and restore the best epoch's weights."""

    monitor: Literal["val_loss", "val_accuracy"] = Field(default="val_loss", description="Validation metric.")
    patience: int = Field(default=5, ge=1, le=1000, description="Epochs without improvement before training stops.")
    min_delta: float = Field(default=0.0, ge=0, description="Minimum change that counts as an improvement.")


class Training(Frozen):
    """The settings of a training."""

    epochs: int = Field(
        default=10, ge=0, le=1000, description="Number of epochs; 0 uses an uploaded model without training it."
    )
    batch_size: int = Field(default=32, ge=1, le=4096, description="Images per training step.")
    optimizer: Literal["adam", "sgd"] = Field(default="adam", description="Optimizer of Keras.")
    learning_rate: float = Field(default=1e-3, gt=0, le=10, description="Peak learning rate.")
    schedule: Literal["constant", "cosine", "step"] = Field(
        default="cosine",
        description="Learning rate schedule. constant; cosine: decays to zero along half a cosine; step: divided by 10 "
        "after half of the epochs, and by 100 after three quarters.",
    )
    warmup_epochs: float = Field(
        default=0, ge=0, description="Epochs of linear warm-up of the learning rate from zero."
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="Momentum of sgd; ignored by adam.")
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="Share of each label that is spread over all classes."
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: all classes have the same total weight, regardless of their size."
    )
    augmentation: Augmentation = Field(default=Augmentation(), description="Random changes to training images.")
    early_stopping: EarlyStopping | None = Field(
        default=None, description="Whether and when training stops early. null: after all epochs."
    )
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = Field(
        default="auto",
        description="auto: mixed_float16 on GPUs with fast float16, mixed_bfloat16 without a GPU on a processor that "
        "multiplies bfloat16 (AVX512_BF16, AMX), otherwise float32. The stage's result says which it was.",
    )
    batch_norm_momentum: float | Literal["auto"] = Field(
        default="auto",
        description="Momentum of the moving statistics in BatchNormalization layers. auto: a window of a fifth of an "
        "epoch, at most Keras's 0.99, so that validation after few steps does not use outdated statistics.",
    )
    batch_norm_statistics: Literal["moving", "estimated"] = added_field(
        "moving",
        description="Statistics that BatchNormalization layers of a new network end with. moving: those that followed "
        "the weights during training; estimated: those of a thousand training images with the final weights, as after "
        "every stage that continues a network.",
    )
    weight_average: float | None = added_field(
        None,
        gt=0,
        lt=1,
        description="Share of an exponential moving average of the weights that is kept at each step, such as 0.999; "
        "the average replaces the weights at the end, with estimated BatchNormalization statistics. null: no average.",
    )
    devices: Literal["one", "all"] = added_field(
        "one",
        description="Devices that the stage train computes on; other stages compute on one. all: every GPU of the "
        "worker has a share of each batch (tf.distribute). Each GPU then normalizes its share by itself and draws its "
        "own dropout, so that the weights depend on the number of GPUs, which the stage's result states: only workers "
        "with the same number repeat a training, bit for bit.",
    )
    seed: int = Field(default=0, ge=0, lt=SEEDS, description="Seed of initial weights, image order and augmentation.")

    @model_validator(mode="after")
    def _warmup_ends(self) -> Self:
        if self.warmup_epochs >= max(self.epochs, 1):
            raise ValueError(f"warmup_epochs is {self.warmup_epochs:g}; accepted: less than epochs, {self.epochs}")
        if self.batch_norm_momentum != "auto" and not 0 <= self.batch_norm_momentum < 1:
            raise ValueError(f"batch_norm_momentum is {self.batch_norm_momentum}; accepted: auto, or 0 to below 1")
        if self.devices == "all" and (self.weight_average is not None or self.batch_norm_statistics != "moving"):
            raise ValueError(
                "devices is 'all', but weight_average and batch_norm_statistics: estimated compute with one copy of "
                "the network; accepted: devices: one, or weight_average: null and batch_norm_statistics: moving"
            )
        return self

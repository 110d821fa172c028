"""Uploaded data sets and models."""

from datetime import datetime
from typing import Literal

from edgepress_common.answers.users import UserName
from edgepress_common.artifacts import Sha256
from edgepress_common.frozen import Message


class UploadReference(Message):
    """Reference to an uploaded data set, for the ``dataset`` of a spec. Add an ``image_size``."""

    kind: Literal["upload"] = "upload"
    sha256: Sha256


class DatasetView(Message):
    """An uploaded data set.

    Attributes:
        sha256: SHA-256 of the archive, which identifies the data set.
        owner: The user who uploaded the data set.
        name: Display name.
        media_type: Media type of the archive.
        size_bytes: Size of the archive in bytes.
        created_at: Time of the first upload.
        dataset: The ``dataset`` to put into a spec, after adding an ``image_size``.
    """

    sha256: Sha256
    owner: UserName
    name: str
    media_type: str
    size_bytes: int
    created_at: datetime
    dataset: UploadReference


class DatasetPage(Message):
    """A page of data sets, newest first. ``next_page_token`` is None on the last page."""

    datasets: tuple[DatasetView, ...]
    next_page_token: str | None


class ModelReference(Message):
    """Reference to an uploaded model, for the ``model`` of a spec. Add ``pixels``, the range of its input values."""

    architecture: Literal["uploaded"] = "uploaded"
    sha256: Sha256


class ModelView(Message):
    """An uploaded model.

    Attributes:
        sha256: SHA-256 of the file, which identifies the model.
        owner: The user who uploaded the model.
        name: Display name.
        size_bytes: Size of the file in bytes.
        created_at: Time of the first upload.
        image_size: Height and width of the input images in pixels; None if the model accepts any size.
        classes: Number of classes; None if it is known only after the model is built.
        ends_in: Output of the model. If it is logits, Edgepress appends a softmax.
        scales_pixels: Whether the first layer rescales pixels from 0 to 255; ``pixels`` must then be ``0_to_255``.
        layers: Number of layers.
        model: The ``model`` to put into a spec, after adding ``pixels``.
    """

    sha256: Sha256
    owner: UserName
    name: str
    size_bytes: int
    created_at: datetime
    image_size: int | None
    classes: int | None
    ends_in: Literal["probabilities", "logits"]
    scales_pixels: bool
    layers: int
    model: ModelReference


class ModelPage(Message):
    """A page of models, newest first. ``next_page_token`` is None on the last page."""

    models: tuple[ModelView, ...]
    next_page_token: str | None

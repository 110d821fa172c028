"""Keras models that are sent to the gateway: looked through as data, kept as artifacts, listed by name.

The bytes are stored as they come in, and listed only once they have been looked through. What is refused is referred to
by nothing, and goes as everything does that nothing refers to.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from edgepress_api.access.principal import LOCAL, Principal, UserName
from edgepress_api.access.quotas import bytes_left, within
from edgepress_api.database import Database, ModelRow
from edgepress_api.upload_pages import find_upload, page_of_uploads
from edgepress_common.artifacts import ArtifactStore, Sha256
from edgepress_common.errors import InvalidInputError, NotFoundError
from edgepress_common.frozen import Frozen
from edgepress_common.uploaded_models import KerasNetwork, read_config, read_network

MODEL_TYPE = "application/vnd.keras"  # Keras has registered none


class ModelReference(Frozen):
    """What a spec's ``model`` says of an upload; what its pixels were like, ``pixels``, has to be added."""

    architecture: Literal["uploaded"] = "uploaded"
    sha256: Sha256


class ModelView(Frozen):
    """An uploaded model.

    Attributes:
        sha256: Its name.
        owner: The user who uploaded it.
        name: For people.
        size_bytes: Of the file.
        created_at: When it was first uploaded.
        image_size: Side in pixels of the images that it takes; None if it takes any.
        classes: How many it tells apart; None where only building it shows.
        ends_in: What it gives. A softmax is put behind logits.
        scales_pixels: Whether its first layer brings pixels from 255 down, so that ``pixels`` has to be ``0_to_255``.
        layers: How many it has.
        model: To be put into a spec as ``model``, with ``pixels``.
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


class ModelPage(Frozen):
    """A page of models, the newest first. ``next_page_token`` is None on the last."""

    models: tuple[ModelView, ...]
    next_page_token: str | None


def store_model(
    database: Database,
    store: ArtifactStore,
    chunks: Iterable[bytes],
    *,
    name: str,
    now: datetime,
    by: Principal = LOCAL,
) -> tuple[ModelView, bool]:
    """Keeps a model, and tells whether it is new to its owner; one that is known to them keeps its first name.

    Args:
        database: Where it is listed.
        store: Where it is kept.
        chunks: Its bytes, as they come in. If they break off with an error, nothing is kept.
        name: For people.
        now: The moment.
        by: The user who uploads it.

    Raises:
        InvalidInputError: It is no ``.keras`` file, or has something in it that is not accepted.
        StorageQuotaError: It is more than the user may store.
    """
    with database.read() as session:
        left = bytes_left(session, by)
    reference = store.put_chunks(within(chunks, left, by), MODEL_TYPE)
    if reference.size_bytes == 0:
        raise InvalidInputError("the upload is empty; accepted: a .keras file")
    network = read_network(read_config(store.local_path(reference.sha256)))
    with database.write() as session:
        row = session.get(ModelRow, (by.user, reference.sha256))
        is_new = row is None
        if row is None:
            row = ModelRow(
                owner=by.user,
                sha256=reference.sha256,
                name=name,
                size_bytes=reference.size_bytes,
                created_at=now,
                image_size=network.image_size,
                classes=network.classes,
                ends_in=network.ends_in,
                scales_pixels=network.scales_pixels,
                layers=_count(network),
            )
            session.add(row)
        return _view(row), is_new


def show_model(session: Session, sha256: str, *, owner: str | None = None) -> ModelView:
    """An uploaded model: a user's, or with None anybody's.

    Raises:
        NotFoundError: No such upload.
    """
    row = find_upload(session, ModelRow, sha256, owner=owner)
    if row is None:
        raise NotFoundError(f"no model {sha256!r} has been uploaded")
    return _view(row)


def list_models(
    session: Session, *, owner: str | None = None, page_size: int, page_token: str | None = None
) -> ModelPage:
    """A page of uploaded models, the newest first; see `page_of_uploads`."""
    rows, next_page_token = page_of_uploads(session, ModelRow, owner=owner, page_size=page_size, page_token=page_token)
    return ModelPage(models=tuple(_view(row) for row in rows), next_page_token=next_page_token)


def _count(network: KerasNetwork) -> int:
    return len(network.calls) - 1  # without the input


def _view(row: ModelRow) -> ModelView:
    return ModelView(
        sha256=row.sha256,
        owner=row.owner,
        name=row.name,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        image_size=row.image_size,
        classes=row.classes,
        ends_in=row.ends_in,
        scales_pixels=row.scales_pixels,
        layers=row.layers,
        model=ModelReference(sha256=row.sha256),
    )

"""Uploaded Keras models, validated as data: of a file that is refused, nothing is kept."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from edgepress_api.database import ModelRow
from edgepress_api.uploads.kind import UploadKind
from edgepress_common.answers.uploads import ModelPage, ModelView
from edgepress_common.artifacts import ArtifactRef, ArtifactStore
from edgepress_common.errors import InvalidInputError
from edgepress_common.uploaded_models import KerasNetwork, read_config, read_network

_MODEL_TYPE = "application/vnd.keras"  # Keras has not registered a media type


def _put(store: ArtifactStore, chunks: Iterator[bytes]) -> tuple[ArtifactRef, Mapping[str, object]]:
    found: list[KerasNetwork] = []

    def check(file: Path) -> None:
        if file.stat().st_size == 0:
            raise InvalidInputError("the upload is empty; accepted: a .keras file")
        found.append(read_network(read_config(file)))

    artifact = store.put_chunks(chunks, _MODEL_TYPE, check=check)
    (network,) = found
    return artifact, {
        "image_size": network.image_size,
        "classes": network.classes,
        "ends_in": network.ends_in,
        "scales_pixels": network.scales_pixels,
        "layers": len(network.calls) - 1,  # without the input
    }


MODELS = UploadKind(
    resource="models",
    noun="model",
    field="model",
    file=".keras file",
    content="A .keras file of known layers, as `model.save` writes it. Code of any kind is refused.",
    media_types=(_MODEL_TYPE, "application/zip", "application/octet-stream"),
    row=ModelRow,
    view=ModelView,
    page=ModelPage,
    put=_put,
)

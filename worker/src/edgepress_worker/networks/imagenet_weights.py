"""Files with weights trained on ImageNet: what they are called, where they come from, where they are kept.

Neither library lets a caller choose the folder its own download goes to, and both report a missing connection without
saying what to do about it. So networks are built without weights, and the file is fetched here.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from edgepress_common.errors import UnavailableError
from edgepress_worker.keras_environment import keras


@dataclass(frozen=True)
class WeightsFile:
    """One download.

    Attributes:
        name: File name, the library's own.
        url: Where it comes from.
        md5: Of its bytes, in hex; None where the library publishes none.
    """

    name: str
    url: str
    md5: str | None


def fetch(file: WeightsFile, folder: Path) -> Path:
    """The file in the folder, downloaded if it is not there yet; whole or not at all.

    Raises:
        UnavailableError: It can't be downloaded, or what came is not what was published.
    """
    place = folder / file.name
    if place.is_file():
        return place
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".incoming-") as incoming:
            fetched = keras.utils.get_file(
                file.name, file.url, cache_dir=incoming, cache_subdir="weights", md5_hash=file.md5
            )
            Path(fetched).replace(place)
    except Exception as error:  # Keras raises just that when the connection fails
        raise UnavailableError(
            f"the ImageNet weights {file.name} are not on this worker and could not be downloaded from {file.url}: "
            f"{error}. Put the file at {place.absolute()}, or ask for weights: none"
        ) from error
    return place

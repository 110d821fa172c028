"""Settings of `edgepress up` and `edgepress demo`, read from the environment with the prefix ``EDGEPRESS_``.

The environment is passed on, so what concerns one process alone (``EDGEPRESS_LEASE_SECONDS``, say) can be set as well.
"""

from pathlib import Path

from pydantic import Field

from edgepress_common.settings import BaseEdgepressSettings


class OneMachineSettings(BaseEdgepressSettings):
    """Where one machine's Edgepress keeps what it writes, and which data sets it may read."""

    home: Path = Field(default=Path(".edgepress"), description="Folder of everything that is written.")
    dataset_roots: tuple[Path, ...] = Field(
        default=(Path("/"),),
        description="Folders that data sets may lie under, as a JSON list. All by default, unlike on a server: "
        "only this machine is listened to, and it is its user's own.",
    )

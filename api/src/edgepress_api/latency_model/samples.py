"""The data that a latency model is fitted on: measured files, and the work of networks."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from edgepress_common.frozen import Frozen
from edgepress_common.results import OperatorWork
from edgepress_common.spec import Network

Work = tuple[OperatorWork, ...]


class MeasuredFile(Frozen):
    """A .tflite file that a device has measured.

    Attributes:
        device: Name of the device.
        runtime: Name and version of the interpreter.
        processor: Name of the processor, or its architecture.
        export: See `edgepress_common.latency_table.export_name`.
        work: Work of its network's operators.
        latency_ms: Median latency by number of threads, in milliseconds.
        is_probe: Whether the network was not trained.
    """

    device: str
    runtime: str
    processor: str
    export: str
    work: Work
    latency_ms: dict[int, float]
    is_probe: bool


class LatencyHistory(Frozen):
    """The measured files and described networks of the database.

    Attributes:
        files: Measured files, the latest first.
        work: Work of networks that do not have to exist, by `work_name`.
    """

    files: tuple[MeasuredFile, ...] = ()
    work: dict[str, Work] = Field(default_factory=dict)

    def of_device(self, device: str) -> tuple[MeasuredFile, ...]:
        """Return the files that one model can be fitted on: of the device as it is now.

        Args:
            device: Name of the device. With ``any``, there are such files only if one device has measured all of them.
        """
        names = {file.device for file in self.files} if device == "any" else {device}
        files = [file for file in self.files if file.device in names]
        if not files or len(names) > 1:
            return ()
        latest = (files[0].runtime, files[0].processor)
        return tuple(file for file in files if (file.runtime, file.processor) == latest)


def work_name(network: Network, keep_macs: float, image_size: int) -> str:
    """Return the name of a network for images of a size, with a share of its MACs."""
    return f"{network.model_dump_json()} {keep_macs:g} {image_size}"


def by_kind(work: Sequence[OperatorWork]) -> Mapping[str, OperatorWork]:
    """Return the work by kind of operator."""
    return {each.kind: each for each in work}

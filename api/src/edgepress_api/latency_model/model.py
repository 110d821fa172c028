"""The latency model of a device: a fit for each number of threads and each export."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Self

from edgepress_api.latency_model.samples import MeasuredFile, Work
from edgepress_common.latency_table import LatencyTable, Prediction, TermTimes

if TYPE_CHECKING:
    from edgepress_api.latency_model.fitting import Fit, MeasuredNetwork

_ENOUGH_NETWORKS = 8  # about as many as a fit has terms that are not 0
_GOOD_ERROR = 0.05


@dataclass(frozen=True)
class LatencyModel:
    """See the module.

    Attributes:
        device: Name of the device.
        runtime: Interpreter of the measurements.
        processor: Processor of the measurements.
        fits: The fits, by number of threads and `edgepress_common.latency_table.export_name`.
    """

    device: str
    runtime: str
    processor: str
    fits: Mapping[tuple[int, str], "Fit"]

    @classmethod
    def fitted(cls, files: Sequence[MeasuredFile]) -> Self | None:
        """Return the model of files that one device has measured; None without any.

        Args:
            files: The files, all with the same runtime and processor.
        """
        if not files:
            return None
        from edgepress_api.latency_model.fitting import fit  # noqa: PLC0415 - scipy takes a second to import

        groups: dict[tuple[int, str], dict[Work, list[MeasuredFile]]] = {}
        for file in files:
            for threads in file.latency_ms:
                groups.setdefault((threads, file.export), {}).setdefault(file.work, []).append(file)
        fits = {key: fit(_networks(key[0], by_work)) for key, by_work in groups.items()}
        return cls(files[0].device, files[0].runtime, files[0].processor, fits)

    @property
    def error(self) -> float | None:
        """Median over all fits of their median error; None if none of them has one."""
        known = [each.median_error for each in self.fits.values() if each.median_error is not None]
        return median(known) if known else None

    def predict(self, export: str, work: Work, threads: Iterable[int]) -> Prediction | None:
        """Return the latency of a network with the number of threads that it is fastest with.

        Args:
            export: See `edgepress_common.latency_table.export_name`.
            work: Work of the network's operators.
            threads: Numbers of threads that it is measured with.

        Returns:
            None if too few networks were measured with this export, or none with such operators.
        """
        return self.table(export, threads).predict(work)

    def table(self, export: str, threads: Iterable[int]) -> LatencyTable:
        """Return the fits of an export whose error is known; none if too few networks were measured with it.

        Args:
            export: See `edgepress_common.latency_table.export_name`.
            threads: Numbers of threads that a network is measured with.
        """
        known = {number: self.fits.get((number, export)) for number in threads}
        fits = tuple(
            TermTimes(threads=number, terms=dict(each.terms), interval=each.interval, confidence=each.confidence)
            for number, each in known.items()
            if each is not None and each.interval is not None and each.confidence is not None
        )
        return LatencyTable(
            device=self.device, export=export, runtime=self.runtime, processor=self.processor, fits=fits
        )

    def is_good(self, export: str, threads: Iterable[int]) -> bool:
        """Return whether the fits of an export are good enough not to need more probes."""
        fits = [self.fits.get((number, export)) for number in threads]
        return all(
            each is not None
            and len(each.networks) >= _ENOUGH_NETWORKS
            and each.median_error is not None
            and each.median_error <= _GOOD_ERROR
            for each in fits
        )


def _networks(threads: int, by_work: Mapping[Work, Sequence[MeasuredFile]]) -> "list[MeasuredNetwork]":
    from edgepress_api.latency_model.fitting import MeasuredNetwork  # noqa: PLC0415 - as above

    return [
        MeasuredNetwork(
            work=work,
            latency_ms=median(file.latency_ms[threads] for file in files),
            files=len(files),
            is_probe=all(file.is_probe for file in files),
        )
        for work, files in sorted(by_work.items(), key=str)  # the same order whichever was measured first
    ]

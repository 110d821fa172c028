"""The latency model of a device, as the API shows it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from edgepress_api.database import DeviceRow
from edgepress_api.latency_model.history import latency_history
from edgepress_api.latency_model.model import LatencyModel
from edgepress_common.answers.latency import FittedFile, LatencyFit, LatencyModelView, LatencyTerm
from edgepress_common.errors import NotFoundError

if TYPE_CHECKING:
    from edgepress_api.latency_model.fitting import Fit


def show_latency_model(session: Session, device: str) -> LatencyModelView:
    """Return the latency model of a device, fitted on all files that it has measured as it is now.

    Raises:
        NotFoundError: No such device.
    """
    if session.get(DeviceRow, device) is None:
        raise NotFoundError(f"device {device!r} does not exist; accepted: a name of GET /v1/devices")
    model = LatencyModel.fitted(latency_history(session, device=device).of_device(device))
    if model is None:
        return LatencyModelView(device=device, runtime=None, processor=None, fits=())
    fits = tuple(_fit(threads, export, fit) for (threads, export), fit in sorted(model.fits.items()))
    return LatencyModelView(device=device, runtime=model.runtime, processor=model.processor, fits=fits)


def _fit(threads: int, export: str, fit: "Fit") -> LatencyFit:
    networks = tuple(sorted(_networks(fit), key=lambda each: (each.macs, each.weights)))
    return LatencyFit(
        threads=threads,
        export=export,
        probes=sum(each.is_probe for each in networks),
        median_error=fit.median_error,
        interval=fit.interval,
        confidence=fit.confidence,
        terms=tuple(LatencyTerm(name=name, nanoseconds=1e6 * ms) for name, ms in fit.terms.items()),
        networks=networks,
    )


def _networks(fit: "Fit") -> Iterator[FittedFile]:
    for network, predicted in zip(fit.networks, fit.predicted_without, strict=True):
        yield FittedFile(
            macs=sum(each.macs for each in network.work),
            weights=sum(each.weights for each in network.work),
            files=network.files,
            is_probe=network.is_probe,
            measured_ms=network.latency_ms,
            predicted_ms=predicted,
        )

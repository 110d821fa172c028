"""The latency model of a device."""

from edgepress_common.devices import DeviceName
from edgepress_common.frozen import Message


class LatencyTerm(Message):
    """A term of a fit.

    Attributes:
        name: What it counts, such as ``convolution macs``.
        nanoseconds: Time of one of them; 0 if the measured files do not need the term.
    """

    name: str
    nanoseconds: float


class FittedFile(Message):
    """A network that a fit is made from; files with the same operators are one.

    Attributes:
        macs: Multiply-accumulate operations of one inference.
        weights: Number of weights that these multiply.
        files: Number of files with these operators.
        is_probe: Whether all of them are probes: not trained, and only measured for the model.
        measured_ms: Median latency; of several files the median of their medians.
        predicted_ms: Latency that the model predicts without these files; None with too few others.
    """

    macs: int
    weights: int
    files: int
    is_probe: bool
    measured_ms: float
    predicted_ms: float | None


class LatencyFit(Message):
    """The fit for one number of threads and one export.

    Attributes:
        threads: Number of interpreter threads.
        export: Kind of the export, with parameters that change its operators.
        probes: Number of networks that only probes were measured of.
        median_error: Median difference of predicted and measured latency of networks that the fit did not see, as a
            share of the measured one; None with too few networks.
        interval: Half of the width of a prediction's interval, as a share; None with too few networks.
        confidence: Share of networks whose latency is expected within the interval.
        terms: Terms of the fit.
        networks: The networks that it is made from, the smallest first.
    """

    threads: int
    export: str
    probes: int
    median_error: float | None
    interval: float | None
    confidence: float | None
    terms: tuple[LatencyTerm, ...]
    networks: tuple[FittedFile, ...]


class LatencyModelView(Message):
    """The latency model of a device: predicts the latency of files before they exist.

    Attributes:
        device: Name of the device.
        runtime: Interpreter of the measurements; None if nothing was measured.
        processor: Processor of the measurements; None as above.
        fits: The fits, by number of threads and export.
    """

    device: DeviceName
    runtime: str | None
    processor: str | None
    fits: tuple[LatencyFit, ...]

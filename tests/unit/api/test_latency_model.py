"""Fits of latencies, against times that are known."""

from __future__ import annotations

import random

import pytest

from edgepress_api.latency_model.fitting import MeasuredNetwork, fit
from edgepress_api.latency_model.model import LatencyModel
from edgepress_api.latency_model.samples import LatencyHistory, MeasuredFile, Work, work_name
from edgepress_common.latency_table import export_name
from edgepress_common.results import OperatorWork
from edgepress_common.spec import Model
from edgepress_common.spec.exports.int8 import Int8Export


def work(macs: int, *, calls: int = 10, depthwise: int = 0) -> Work:
    """Return the work of convolutions, and of depthwise convolutions if there are any."""
    convolutions = OperatorWork(kind="convolution", calls=calls, macs=macs, weights=0, values=0)
    if not depthwise:
        return (convolutions,)
    return (convolutions, OperatorWork(kind="depthwise", calls=1, macs=depthwise, weights=0, values=0))


def measured(*pairs: tuple[Work, float]) -> list[MeasuredNetwork]:
    """Return networks with their latency in milliseconds."""
    return [MeasuredNetwork(each, ms) for each, ms in pairs]


def file(each: Work, ms: float, **changes: object) -> MeasuredFile:
    """Return an int8 file that a device has measured."""
    content = {
        "device": "pi",
        "runtime": "litert 2",
        "processor": "Cortex-A72",
        "export": "int8",
        "work": each,
        "latency_ms": {1: ms},
        "is_probe": False,
    }
    return MeasuredFile.model_validate(content | changes)


def test_two_terms_are_solved_by_hand() -> None:
    """0.01 ms for each of 10 operators and 2 ms for a million operations: 2.1 ms and 4.1 ms."""
    found = fit(measured((work(1_000_000), 2.1), (work(2_000_000), 4.1)))
    assert found.terms == pytest.approx({"convolution calls": 0.01, "convolution macs": 2e-6})
    assert found.predict(work(5_000_000)) == pytest.approx(10.1)
    assert (found.median_error, found.interval, found.predicted_without) == (None, None, (None, None))


def test_no_time_is_negative() -> None:
    """More operators that take less time would mean that an operator saves time: it then takes none."""
    found = fit(measured((work(1_000_000, calls=10), 2.0), (work(1_000_000, calls=20), 1.9)))
    assert found.terms["convolution calls"] == 0
    assert found.terms["convolution macs"] == pytest.approx(1.95e-6, rel=0.03)


def test_a_disturbed_measurement_hardly_counts() -> None:
    """One of ten networks was measured while another program ran; the error of the others stays small."""
    pairs = [(work(millions * 1_000_000), 0.1 + 2.0 * millions) for millions in range(1, 11)]
    pairs[4] = (pairs[4][0], 3 * pairs[4][1])
    found = fit(measured(*pairs))
    assert found.predict(work(20_000_000)) == pytest.approx(40.1, rel=0.02)
    assert found.median_error is not None
    assert found.median_error < 0.02


def test_the_interval_holds_for_networks_that_were_not_seen() -> None:
    """Nine of ten further networks are within it, as it promises, if errors are as those of the fit."""
    source = random.Random(0)

    def network() -> MeasuredNetwork:
        macs = source.randint(1_000_000, 50_000_000)
        return MeasuredNetwork(work(macs), (0.1 + 2e-6 * macs) * source.uniform(0.9, 1.1))

    within = total = 0
    for _ in range(40):
        found = fit([network() for _ in range(20)])
        assert found.interval is not None
        assert found.confidence == 0.9
        for other in (network() for _ in range(20)):
            predicted = found.predict(other.work)
            assert predicted is not None
            within += predicted / (1 + found.interval) <= other.latency_ms <= predicted * (1 + found.interval)
            total += 1
    assert 0.85 < within / total < 0.97


def test_operators_that_were_never_measured_are_not_predicted() -> None:
    """A model of plain convolutions says nothing about depthwise ones."""
    model = LatencyModel.fitted([file(work(n * 1_000_000), 0.1 + 2.0 * n) for n in range(1, 9)])
    assert model is not None
    assert model.predict("int8", work(1_000_000, depthwise=1000), [1]) is None
    assert model.predict("float32", work(1_000_000), [1]) is None
    assert model.predict("int8", work(1_000_000), [2]) is None
    predicted = model.predict("int8", work(3_500_000), [1])
    assert predicted is not None
    assert predicted.low_ms <= predicted.ms <= predicted.high_ms


def test_a_network_is_predicted_with_its_fastest_number_of_threads() -> None:
    """The report shows that number as well."""
    files = [file(work(n * 1_000_000), 2.0 * n, latency_ms={1: 2.0 * n, 4: 0.7 * n}) for n in range(1, 9)]
    model = LatencyModel.fitted(files)
    assert model is not None
    predicted = model.predict("int8", work(10_000_000), [1, 4])
    assert predicted is not None
    assert predicted.ms == pytest.approx(7.0, rel=0.01)


def test_equal_networks_are_one() -> None:
    """Zeros and shared values change no operators: 30 files of one network say no more about others than one."""
    files = [file(work(1_000_000), 2.0 + n / 1000) for n in range(30)] + [file(work(2_000_000), 4.0, is_probe=True)]
    model = LatencyModel.fitted(files)
    assert model is not None
    first, second = model.fits[1, "int8"].networks
    assert (first.files, first.is_probe, second.files, second.is_probe) == (30, False, 1, True)
    assert first.latency_ms == pytest.approx(2.0145)


def test_only_files_of_the_device_as_it_is_now_count() -> None:
    """Another runtime, another board under the same name, or another device has other times."""
    now = file(work(1), 1.0)
    other = [file(work(1), 9.0, **change) for change in ({"runtime": "litert 1"}, {"processor": "x"}, {"device": "b"})]
    history = LatencyHistory(files=(now, *other))
    assert history.of_device("pi") == (now,)
    assert history.of_device("any") == ()
    assert LatencyHistory(files=(now,)).of_device("any") == (now,)
    assert history.of_device("unknown") == ()


def test_exports_with_equal_operators_have_one_name() -> None:
    """Calibration changes no operator; layers in float do."""
    assert export_name(Int8Export.model_validate({"calibration": {"ranges": "mse"}})) == "int8"
    assert export_name(Int8Export(keep_float=2)) == "int8 keep_float=2"
    assert work_name(Model(architecture="resnet18"), 0.5, 64) != work_name(Model(architecture="resnet18"), 0.25, 64)

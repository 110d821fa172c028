"""Listing devices."""

import httpx

from edgepress_common.answers.devices import DeviceList, DeviceView
from edgepress_common.devices import Announcement
from fakes.command_line import run_command
from fakes.job_gateway import BEGIN, FakeGateway


def test_devices_are_listed_with_their_labels() -> None:
    """The list shows hardware, labels and state."""
    announcement = Announcement(
        labels=("arm64", "rpi4"), board="Pi 4", machine="aarch64", cores=4, memory_bytes=1, runtime="r"
    )
    seen = {"first_seen_at": BEGIN, "last_seen_at": BEGIN, "announcement": announcement}
    device = DeviceView(name="shelf", online=True, waiting=3, running=1, **seen)
    listed = DeviceList(devices=(device,), waiting_for_any=0)
    gateway = FakeGateway(answers={("GET", "/v1/devices"): httpx.Response(200, content=listed.model_dump_json())})

    ran = run_command(gateway, ["devices"])

    assert ran.out.splitlines()[1].split() == ["shelf", "yes", "arm64,", "rpi4", "Pi", "4,", "4", "cores", "1", "3"]


def test_a_device_that_can_not_measure_shows_why() -> None:
    """It is online, but gets no evaluations."""
    announcement = Announcement(machine="aarch64", cores=4, memory_bytes=1, runtime="r", problem="the disk is full")
    seen = {"first_seen_at": BEGIN, "last_seen_at": BEGIN, "announcement": announcement}
    device = DeviceView(name="shelf", online=True, waiting=3, running=0, **seen)
    listed = DeviceList(devices=(device,), waiting_for_any=0)
    gateway = FakeGateway(answers={("GET", "/v1/devices"): httpx.Response(200, content=listed.model_dump_json())})

    assert "yes, but can't measure: the disk is full" in " ".join(run_command(gateway, ["devices"]).out.split())


def test_the_latency_model_of_a_device_is_shown_with_its_error() -> None:
    """A line for each number of threads and export; without any, what to do."""
    content = {
        "device": "shelf",
        "runtime": "LiteRT 2",
        "processor": "Cortex-A72",
        "fits": [
            {
                "threads": 1,
                "export": "int8",
                "probes": 8,
                "median_error": 0.034,
                "interval": 0.12,
                "confidence": 0.9,
                "terms": [],
                "networks": [],
            }
        ],
    }
    path = ("GET", "/v1/devices/shelf/latency-model")
    gateway = FakeGateway(answers={path: httpx.Response(200, json=content)})
    ran = run_command(gateway, ["latency-model", "shelf"])
    assert ran.out.splitlines()[1].split() == ["1", "int8", "0", "8", "3.4", "%", "+-", "12", "%"]
    empty: dict[str, object] = content | {"fits": [], "runtime": None, "processor": None}
    gateway = FakeGateway(answers={path: httpx.Response(200, json=empty)})
    assert "a search with a latency limit measures some" in run_command(gateway, ["latency-model", "shelf"]).out

"""Lease requests that wait share what they read of the database."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from edgepress_api.web.lease_waits import LeaseWaits
from fakes.gateway_app import GatewayApp, sqlite_gateway
from fakes.jobs import ANNOUNCEMENT

DEVICES = [f"pi{number:03}" for number in range(200)]
LONG_SECONDS = 60.0
SHORT_SECONDS = 1.0


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway without jobs."""
    return sqlite_gateway(tmp_path)


@contextmanager
def _counted(gateway: GatewayApp) -> Iterator[list[str]]:
    """Collect the questions about steps that the database is asked meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM steps" in statement:
            seen.append(statement)

    event.listen(gateway.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(gateway.database.engine, "before_cursor_execute", note)


def _woken(gateway: GatewayApp, devices: list[str], change: Callable[[], object]) -> set[str]:
    """Let devices wait, change something, and return the devices that are woken within the time of a few looks."""

    async def run() -> set[str]:
        waits, woken = LeaseWaits(gateway.database, lambda: gateway.is_stopping), set[str]()

        async def wait(device: str) -> None:
            await waits.wait(device, LONG_SECONDS)
            woken.add(device)

        tasks = [asyncio.create_task(wait(device)) for device in devices]
        await asyncio.sleep(0)
        await asyncio.to_thread(change)
        for _ in range(100):
            await asyncio.sleep(SHORT_SECONDS / 10)
            if woken:
                break
        await asyncio.sleep(SHORT_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return woken

    return asyncio.run(run())


def _submit(gateway: GatewayApp, device: str) -> Callable[[], None]:
    def submit() -> None:
        gateway.submit(evaluation={"devices": [device]})
        gateway.workforce.finish_all_steps()

    return submit


def test_a_device_is_woken_for_its_evaluations_alone(gateway: GatewayApp) -> None:
    """200 devices wait, and one of them is woken."""
    gateway.client.post(
        "/v1/devices/pi042/lease", content=ANNOUNCEMENT.model_dump_json(), headers={"Content-Type": "application/json"}
    ).raise_for_status()
    assert _woken(gateway, DEVICES, _submit(gateway, "pi042")) == {"pi042"}


def test_any_device_wakes_those_that_have_waited_longest(gateway: GatewayApp) -> None:
    """The next ones are woken as long as no device takes the evaluation: the first ones may not be able to."""
    woken = _woken(gateway, DEVICES, _submit(gateway, "any"))
    assert woken == set(DEVICES[: len(woken)])
    assert 2 <= len(woken) < len(DEVICES)


def test_many_devices_ask_as_much_as_one(gateway: GatewayApp) -> None:
    """While the database changes all the time."""

    def change() -> None:
        for number in range(10):
            gateway.token(f"user{number}", "read")

    asked = []
    for devices in (DEVICES[:1], DEVICES):
        with _counted(gateway) as seen:
            assert _woken(gateway, devices, change) == set()
        asked.append(len(seen))
    assert 0 < asked[1] <= 2 * asked[0]


def test_all_are_woken_when_the_server_stops(gateway: GatewayApp) -> None:
    """So that their requests are answered before it ends."""

    def stop() -> None:
        gateway.is_stopping = True
        gateway.database.changes.notify()

    assert _woken(gateway, DEVICES, stop) == set(DEVICES)


def test_a_wait_ends_when_its_time_is_over(gateway: GatewayApp) -> None:
    """With nothing, and nothing waits any more."""

    async def run() -> None:
        waits = LeaseWaits(gateway.database, lambda: False)
        await asyncio.wait_for(waits.wait("pi", 0.1), LONG_SECONDS)

    asyncio.run(run())


def test_a_device_that_can_take_nothing_asks_a_few_times_a_second(gateway: GatewayApp) -> None:
    """It waits again as soon as it was woken, as the only one that waits."""
    _submit(gateway, "any")()

    async def run() -> int:
        waits, asked, end = LeaseWaits(gateway.database, lambda: False), 0, time.monotonic() + SHORT_SECONDS
        while time.monotonic() < end:
            await waits.wait("pi", LONG_SECONDS)
            asked += 1
        return asked

    assert 2 <= asyncio.run(run()) <= 6

"""Messages about devices that go offline: one when it happens, one when it is over, and no flood."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from edgepress_api.database import NotificationRow
from edgepress_api.devices.leasing import ONLINE_FOR, lease_next
from edgepress_api.garbage_collection.old_messages import delete_old_messages
from edgepress_api.notifications.devices import PAUSE, watch_devices
from edgepress_api.notifications.text import message_text
from fakes.gateway_app import JSON, GatewayApp, sqlite_gateway
from fakes.jobs import ANNOUNCEMENT, small_spec

CHAT = {"kind": "chat", "url": "https://hooks.example/secret"}
MINUTE = timedelta(minutes=1)
GONE = ONLINE_FOR + MINUTE


@dataclass
class Lab:
    """A gateway with two devices, and a scheduler that has run for a long time."""

    gateway: GatewayApp

    def __post_init__(self) -> None:
        self.began = self.gateway.now - timedelta(days=1)
        for device in ("pi4", "pi5"):
            self.ask(device)

    def ask(self, device: str, problem: str | None = None) -> None:
        """The device sends a request."""
        announcement = ANNOUNCEMENT.model_copy(update={"problem": problem})
        lease_next(self.gateway.database, self.gateway.ledger, device, announcement, self.gateway.now)

    def submit(self, *devices: str, when: Sequence[str] = ("device_offline",)) -> str:
        """Post a job that names these devices."""
        spec = json.loads(small_spec(evaluation={"devices": devices}).model_dump_json())
        body = json.dumps(spec | {"notify": [CHAT | {"when": when}]})
        response = self.gateway.client.post("/v1/jobs", content=body, headers=JSON)
        assert response.status_code == 202, response.text
        job_id: str = response.json()["id"]
        return job_id

    def wait(self, pause: timedelta) -> list[str]:
        """Let time go by; return the messages that the scheduler then creates."""
        self.gateway.now += pause
        before = set(self.all())
        watch_devices(self.gateway.database, self.gateway.now, began=self.began)
        assert watch_devices(self.gateway.database, self.gateway.now, began=self.began) == 0, "each once"
        return [f"{kind} {device}" for id_, (kind, device) in self.all().items() if id_ not in before]

    def all(self) -> dict[str, tuple[str, str | None]]:
        """All messages: kind and device."""
        with self.gateway.database.read() as session:
            rows = session.scalars(select(NotificationRow).order_by(NotificationRow.created_at))
            return {row.id: (row.kind, row.device) for row in rows}

    def texts(self) -> list[str]:
        """The text of each message."""
        with self.gateway.database.read() as session:
            rows = session.scalars(select(NotificationRow).order_by(NotificationRow.created_at)).all()
            return [message_text(session, row, "https://edgepress.example/").body for row in rows]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """See `Lab`."""
    return Lab(sqlite_gateway(tmp_path))


def test_a_device_that_goes_and_returns_is_told_twice(lab: Lab) -> None:
    """Only the device that the job names; with the evaluations that wait for it."""
    lab.submit("pi4")
    assert lab.wait(MINUTE) == []
    assert lab.wait(GONE) == ["device_offline pi4"]
    assert lab.wait(timedelta(days=1)) == []
    lab.ask("pi4")
    assert lab.wait(MINUTE) == ["device_online pi4"]
    assert [text.splitlines()[0] for text in lab.texts()] == [
        "Device 'pi4' went offline (2026-01-01 00:04 UTC).",
        "Device 'pi4' is online again (2026-01-02 00:05 UTC).",
    ]
    assert lab.texts()[0].splitlines()[-1] == "https://edgepress.example/devices"


def test_evaluations_that_wait_are_counted(lab: Lab) -> None:
    """So that the reader knows whether to hurry."""
    lab.submit("pi4")
    lab.gateway.workforce.finish_all_steps()
    assert lab.wait(GONE) == ["device_offline pi4"]
    assert "2 evaluations wait for it." in lab.texts()[0]


def test_a_board_that_flaps_is_told_once_an_hour(lab: Lab) -> None:
    """One outage an hour is reported: its beginning and its end."""
    lab.submit("pi4")
    found = []
    for _ in range(24):  # ten minutes each
        found += lab.wait(GONE)
        lab.gateway.now += timedelta(minutes=10) - GONE
        lab.ask("pi4")
        found += lab.wait(timedelta(0))
    assert found == ["device_offline pi4", "device_online pi4"] * 4


def test_an_outage_that_lasts_is_told_when_the_pause_is_over(lab: Lab) -> None:
    """The second one of an hour is not forgotten."""
    lab.submit("pi4")
    lab.wait(GONE)
    lab.ask("pi4")
    assert lab.wait(MINUTE) == ["device_online pi4"]
    assert lab.wait(GONE) == []
    assert lab.wait(PAUSE) == ["device_offline pi4"]


def test_jobs_with_the_same_recipient_share_a_message(lab: Lab) -> None:
    """Three jobs for the board are one message, not three."""
    for _ in range(3):
        lab.submit("pi4")
    lab.submit("pi5", when=["device_offline", "job_ended"])
    assert sorted(lab.wait(GONE)) == ["device_offline pi4", "device_offline pi5"]


def test_devices_of_ended_jobs_and_unknown_ones_are_not_told(lab: Lab) -> None:
    """Recipients that asked for other messages get none, either."""
    lab.submit("pi4", when=["job_failed"])
    job = lab.submit("pi5")
    lab.gateway.client.post(f"/v1/jobs/{job}/cancel")
    assert lab.wait(GONE) == []


def test_the_return_is_told_after_the_job_has_ended(lab: Lab) -> None:
    """A message that a device is offline has its counterpart."""
    job = lab.submit("pi4")
    lab.wait(GONE)
    lab.gateway.client.post(f"/v1/jobs/{job}/cancel")
    lab.gateway.client.delete(f"/v1/jobs/{job}")
    lab.ask("pi4")
    assert lab.wait(MINUTE) == ["device_online pi4"]


def test_a_device_that_can_not_measure_counts_as_offline(lab: Lab) -> None:
    """The message has the problem that it reports."""
    lab.submit("pi4")
    lab.ask("pi4", problem="the disk is full")
    assert lab.wait(timedelta(seconds=10)) == ["device_offline pi4"]
    assert "can't measure" in lab.texts()[0]
    assert "the disk is full" in lab.texts()[0]


def test_any_device_is_offline_when_all_are(lab: Lab) -> None:
    """One of two is enough for a job that any device can measure."""
    lab.submit("any")
    lab.gateway.now += GONE
    lab.ask("pi5")
    assert lab.wait(timedelta(0)) == []
    assert lab.wait(GONE) == ["device_offline any"]
    assert lab.texts()[0].startswith("No device is online (")


def test_nothing_is_told_just_after_a_start(lab: Lab) -> None:
    """The gateway may have been down as well, so that no device could send a request."""
    lab.submit("pi4")
    lab.began = lab.gateway.now + GONE
    assert lab.wait(GONE) == []
    assert lab.wait(ONLINE_FOR) == ["device_offline pi4"]


def test_the_messages_of_a_job_include_those_about_its_devices(lab: Lab) -> None:
    """Messages about other devices and of other times are not shown with it."""
    first = lab.submit("pi4")
    lab.wait(GONE)
    lab.gateway.client.post(f"/v1/jobs/{first}/cancel")
    lab.ask("pi4")
    lab.ask("pi5")
    lab.wait(MINUTE)
    second = lab.submit("pi5")
    kinds = {
        job: [each["kind"] for each in lab.gateway.client.get(f"/v1/jobs/{job}/notifications").json()["messages"]]
        for job in (first, second)
    }
    assert kinds == {first: ["device_offline"], second: []}


def test_old_messages_are_deleted(lab: Lab) -> None:
    """After a month; those of jobs are deleted with the jobs."""
    lab.submit("pi4")
    lab.wait(GONE)
    delete_old_messages(lab.gateway.database, lab.gateway.now + timedelta(days=29))
    assert len(lab.all()) == 1
    delete_old_messages(lab.gateway.database, lab.gateway.now + timedelta(days=31))
    assert len(lab.all()) == 0

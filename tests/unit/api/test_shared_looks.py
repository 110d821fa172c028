"""Looks at jobs that event streams share: what many streams read of the database is what one would."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from edgepress_api.database import Database
from edgepress_api.web.shared_looks import SharedLooks
from edgepress_common.errors import NotFoundError
from fakes.gateway_app import GatewayApp, sqlite_gateway

STREAMS = 200


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    """A gateway without jobs."""
    return sqlite_gateway(tmp_path)


@contextmanager
def _statements(database: Database) -> Iterator[list[str]]:
    """Collect the statements that the database executes meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def _read_by(gateway: GatewayApp, job_id: str, streams: int) -> int:
    async def look() -> None:
        looks = SharedLooks(gateway.database)
        with looks.following():
            found = await asyncio.gather(*(looks.look(job_id, 0) for _ in range(streams)))
        assert all(each == found[0] for each in found)

    with _statements(gateway.database) as seen:
        asyncio.run(look())
    return len([statement for statement in seen if statement.startswith("SELECT")])


def test_many_streams_read_as_much_as_one(gateway: GatewayApp) -> None:
    """One job after one change is read once; one more look is allowed for a change that is noticed meanwhile."""
    job_id = gateway.submit()
    assert _read_by(gateway, job_id, STREAMS) <= 2 * _read_by(gateway, job_id, 1)


def test_a_change_is_looked_at(gateway: GatewayApp) -> None:
    """The look after it has the new events; until then, there is no new version."""

    async def follow() -> None:
        looks = SharedLooks(gateway.database)
        with looks.following():
            await asyncio.sleep(0.5)  # for the notification that comes with the connection
            before = await looks.look(job_id, 0)
            version = looks.version[0]
            for step in gateway.workforce.take():
                gateway.workforce.finish(step)
            while looks.version[0] == version:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            after = await looks.look(job_id, 0)
        assert len(after.events) > len(before.events)

    job_id = gateway.submit()
    asyncio.run(asyncio.wait_for(follow(), 20))


def test_a_job_that_is_gone_is_said_to_each(gateway: GatewayApp) -> None:
    """All streams that ask at once get the error."""

    async def look() -> list[object]:
        looks = SharedLooks(gateway.database)
        with looks.following():
            return await asyncio.gather(*(looks.look("gone", 0) for _ in range(3)), return_exceptions=True)

    assert all(isinstance(error, NotFoundError) for error in asyncio.run(look()))


def test_a_token_is_looked_up_once_for_all_its_streams(gateway: GatewayApp) -> None:
    """Each token for itself."""
    asked: list[str] = []

    def of(token: str) -> Callable[[], bool]:
        def is_known() -> bool:
            asked.append(token)
            return token == "good"

        return is_known

    async def check() -> list[bool]:
        looks = SharedLooks(gateway.database)
        return await asyncio.gather(*(looks.still_knows(token, of(token)) for token in ["good", "bad"] * STREAMS))

    assert asyncio.run(check()) == [True, False] * STREAMS
    assert len(asked) <= 4  # a period may end meanwhile

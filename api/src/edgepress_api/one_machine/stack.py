"""The processes of one machine's Edgepress, and how each is told what to do: by its environment.

Order: Redis first; the worker before the gateway, since it takes longest to load and needs nothing but Redis; the
evaluator last, since it asks the gateway for work at once.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import httpx

from edgepress_api.access.broker_users import BrokerUser
from edgepress_api.devices.listing import DeviceList
from edgepress_api.one_machine.ports import HOST, check_free, free_port
from edgepress_api.one_machine.process import Service
from edgepress_api.one_machine.redis_server import RedisServer, configure
from edgepress_api.one_machine.settings import OneMachineSettings
from edgepress_api.one_machine.state_folder import StateFolder
from edgepress_api.one_machine.supervisor import LONGEST_PAUSE_SECONDS, Say, Supervisor, supervised

DEVICE_NAME = "host"

# What the libraries would otherwise write into the logs at every start.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "ABSL_MIN_LOG_LEVEL": "2"}


@dataclass(frozen=True)
class Stack:
    """A running Edgepress."""

    url: str
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
    """Keeps all of Edgepress running for as long as the block lasts.

    Args:
        settings: Where to keep what.
        port: Of the gateway; None for any that is free.
        say: Told what happens to the processes meanwhile, from another thread.
        longest_pause_seconds: How long a process that dies again and again is left alone at most.
        settings_of: What single processes are told otherwise, by their names, as environment variables.

    Raises:
        StackRunningError: One runs in the same folder.
        StartError: A process could not be started.
        UnavailableError: The port is taken, or there is no Redis server to start.
    """
    folder = StateFolder(settings.home.resolve())
    port = free_port() if port is None else port
    url = f"http://{HOST}:{port}"
    with folder.held(url):
        check_free(port)
        folder.begin_logs()
        redis = configure(folder.redis, free_port())
        environment = _environment(settings, folder, port)
        services = [_told(service, settings_of) for service in _services(folder, redis, url, environment)]
        with supervised(services, say, longest_pause_seconds=longest_pause_seconds) as supervisor:
            yield Stack(url=url, folder=folder, supervisor=supervisor)


def _environment(settings: OneMachineSettings, folder: StateFolder, port: int) -> dict[str, str]:
    # A certificate is for a gateway that others reach.
    inherited = {name: value for name, value in os.environ.items() if name != "EDGEPRESS_TLS_CERTIFICATE"}
    return (
        _QUIET
        | inherited
        | {
            "PYTHONUNBUFFERED": "1",  # what a process says is in its log at once, also when it crashes
            "EDGEPRESS_DATABASE_URL": f"sqlite:///{folder.database}",
            "EDGEPRESS_ARTIFACTS": str(folder.artifacts),
            "EDGEPRESS_SCRATCH": str(folder.scratch),
            "EDGEPRESS_DOWNLOADS": str(folder.downloads),
            "EDGEPRESS_DATASET_ROOTS": json.dumps([str(root) for root in settings.dataset_roots]),
            "EDGEPRESS_HOST": HOST,
            # Loopback alone is listened to, and its processes are this machine's own: they need no token, and one that
            # the environment has is for another gateway.
            "EDGEPRESS_REQUIRE_TOKENS": "false",
            "EDGEPRESS_TOKEN": "",
            "EDGEPRESS_PORT": str(port),
            "EDGEPRESS_GATEWAY": f"http://{HOST}:{port}",
            "EDGEPRESS_DEVICE": DEVICE_NAME,
            "EDGEPRESS_EVALUATOR_CACHE": str(folder.evaluator_cache),
            "EDGEPRESS_SHARES_CPU": "true",
            "no_proxy": ",".join(filter(None, [os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), HOST])),
        }
    )


def _services(folder: StateFolder, redis: RedisServer, url: str, environment: dict[str, str]) -> list[Service]:
    def service(name: str, is_ready: Callable[[], bool] = lambda: True, *, user: BrokerUser | None = None) -> Service:
        own = {} if user is None else {"EDGEPRESS_REDIS_URL": redis.url(user)}
        return Service(name, (_program(f"edgepress-{name}"),), environment | own, folder.log(name), is_ready)

    return [
        redis.service(environment, folder.log("redis")),
        service("worker", user="worker"),
        service("gateway", lambda: _get(f"{url}/health/ready") is not None, user="gateway"),
        service("scheduler", user="scheduler"),
        service("evaluator", lambda: _is_online(url)),
    ]


def _told(service: Service, settings_of: Mapping[str, Mapping[str, str]]) -> Service:
    return replace(service, environment={**service.environment, **settings_of.get(service.name, {})})


def _is_online(url: str) -> bool:
    listed = _get(f"{url}/v1/devices")
    devices = DeviceList.model_validate_json(listed).devices if listed else ()
    return any(device.name == DEVICE_NAME and device.online for device in devices)


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _get(url: str) -> str | None:
    try:
        # Past any proxy that the environment names: it does not lead to this machine.
        return httpx.get(url, timeout=2, trust_env=False).raise_for_status().text
    except httpx.HTTPError:
        return None

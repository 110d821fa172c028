"""Assembles the evaluator and runs it."""

import logging
from functools import partial

from edgepress_common.heartbeat import Heartbeat
from edgepress_evaluator.announcement import announce
from edgepress_evaluator.cache import ArtifactCache
from edgepress_evaluator.client import GatewayClient, connect
from edgepress_evaluator.evaluate import evaluate
from edgepress_evaluator.identity import DeviceIdentity
from edgepress_evaluator.loop import Evaluator
from edgepress_evaluator.machine_lock import OneAtATime
from edgepress_evaluator.measure.calibration import KeptCeilings
from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.measure.machine import Machine
from edgepress_evaluator.settings import EvaluatorSettings
from edgepress_evaluator.stop import StopRequest

_log = logging.getLogger(__name__)


def run(settings: EvaluatorSettings, stop: StopRequest) -> None:
    """Run evaluations for a gateway until the process is asked to stop."""
    machine = Machine(told_emulated=settings.emulated)
    identity = DeviceIdentity(settings.evaluator_cache)
    announcement = announce(
        machine,
        settings.labels,
        shares_cpu=settings.shares_cpu,
        identity=identity.value,
        machine_id=settings.machine_id,
    )
    device = Device(
        settings.device,
        machine,
        settings.python_command,
        ceilings=KeptCeilings(settings.evaluator_cache, settings.python_command).of,
        power_sensor=settings.power_sensor,
    )
    token = settings.token.get_secret_value() if settings.token else None
    _log.info("device %s connects to %s: %s", settings.device, settings.gateway, announcement)
    with connect(settings.gateway, token, settings.tls_authority) as http:
        Evaluator(
            client=GatewayClient(http, settings.device),
            cache=ArtifactCache(settings.evaluator_cache, settings.evaluator_cache_bytes),
            evaluate=OneAtATime(partial(evaluate, device=device), settings.machine_lock),
            announcement=announcement,
            wait_seconds=settings.wait_seconds,
            stop=stop,
            heartbeat=Heartbeat(settings.heartbeat_file),
            temperature_c=machine.temperature_c,
        ).run()

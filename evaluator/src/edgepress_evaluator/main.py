"""``edgepress-evaluator``: puts the evaluator together and lets it run until SIGTERM or SIGINT."""

import argparse
import logging
import sys
from functools import partial

from pydantic import ValidationError
from pydantic_settings import SettingsError

from edgepress_common.alive import SignOfLife
from edgepress_evaluator.announcement import announce
from edgepress_evaluator.cache import ArtifactCache
from edgepress_evaluator.client import GatewayClient, connect
from edgepress_evaluator.evaluate import evaluate
from edgepress_evaluator.loop import Evaluator
from edgepress_evaluator.measure.device import Device
from edgepress_evaluator.measure.machine import Machine
from edgepress_evaluator.settings import EvaluatorSettings
from edgepress_evaluator.stop import StopRequest

_WRONG_USAGE = 2

_log = logging.getLogger(__name__)


def main() -> None:
    """The console script."""
    argparse.ArgumentParser(
        prog="edgepress-evaluator",
        description="Measures .tflite files for an Edgepress gateway, on the machine it runs on.",
        epilog=_settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    settings = _read_settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every request
    stop = StopRequest()
    stop.install()
    run(settings, stop)


def run(settings: EvaluatorSettings, stop: StopRequest) -> None:
    """Works for a gateway until it is told to stop."""
    machine = Machine(told_emulated=settings.emulated)
    announcement = announce(machine, settings.labels, shares_cpu=settings.shares_cpu)
    device = Device(settings.device, machine, settings.python_command)
    token = settings.token.get_secret_value() if settings.token else None
    _log.info("%s works for %s as %s", settings.device, settings.gateway, announcement)
    with connect(settings.gateway, token) as http:
        Evaluator(
            client=GatewayClient(http, settings.device),
            cache=ArtifactCache(settings.evaluator_cache, settings.evaluator_cache_bytes),
            evaluate=partial(evaluate, device=device),
            announcement=announcement,
            wait_seconds=settings.wait_seconds,
            stop=stop,
            alive=SignOfLife(settings.alive_file),
            temperature_c=machine.temperature_c,
        ).run()


def _settings_help() -> str:
    fields = EvaluatorSettings.model_fields.items()
    lines = [f"  {'EDGEPRESS_' + name.upper():32} {field.description}" for name, field in fields]
    return "\n".join(["environment:", *lines])


def _read_settings() -> EvaluatorSettings:
    try:
        return EvaluatorSettings()
    except ValidationError as error:
        problems = [
            f"EDGEPRESS_{str(problem['loc'][0]).upper()}={problem['input']!r}: {problem['msg']}"
            for problem in error.errors()
        ]
    except SettingsError as error:  # what should be JSON, and isn't
        problems = [f"{error}; accepted: JSON"]
    print(*problems, sep="\n", file=sys.stderr)  # noqa: T201 - for whoever started it
    sys.exit(_WRONG_USAGE)

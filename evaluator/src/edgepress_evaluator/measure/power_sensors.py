"""Sensors of electrical energy that boards and PCs have.

- ``hwmon``: any sensor of Linux's hwmon (Documentation/hwmon/sysfs-interface.rst): ``power1_input`` in microwatts, or
  else ``curr1_input`` in milliamperes times ``in1_input`` in millivolts. An INA219 or INA226 in the board's supply is
  found by its name; the settings can name another.
- ``pmic``: the power management chip of a Raspberry Pi 5. ``vcgencmd pmic_read_adc`` lists currents and voltages of its
  rails; the power is the sum over the rails that have both. What the converters of the board lose is not part of it.
- ``rapl``: counters of processor packages and memory in PCs (Documentation/power/powercap/powercap.rst), in uJ.

A Raspberry Pi 4, 3 or Zero has no sensor of its own.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Protocol

_HWMON = "sys/class/hwmon"
_POWERCAP = "sys/class/powercap"
_KNOWN_HWMON = ("ina219", "ina220", "ina226", "ina230", "ina231", "ina260")  # for whole boards, with one channel
_RAPL_DOMAINS = re.compile(r"package-\d+|dram")
_RAIL = re.compile(r"(?P<rail>\w+)_(?P<of>[AV])(?:\s+\w+\(\d+\))?=(?P<value>\d+(?:\.\d+)?)(?P=of)\b")
_MICRO, _MILLI = 1e-6, 1e-3
_SAMPLE_SECONDS = 0.05  # a reading of vcgencmd starts a process, which takes 5 to 10 ms
_TIMEOUT_SECONDS = 5


class SensorError(Exception):
    """A sensor is missing or can't be read; the message says why."""


class Sensor(Protocol):
    """A sensor.

    Attributes:
        name: Name, for reports.
    """

    name: str

    def joules_of(self, work: Callable[[], object]) -> tuple[float, float]:
        """Do work, and return its energy in joules and its duration in seconds.

        Raises:
            SensorError: The sensor can't be read.
        """
        ...


@dataclass
class PowerSensor:
    """A sensor of power, which is read 20 times a second meanwhile.

    Attributes:
        name: Name, for reports.
        read_watts: Function that returns the power in watts; raises OSError or ValueError if it can't.
    """

    name: str
    read_watts: Callable[[], float]

    def joules_of(self, work: Callable[[], object]) -> tuple[float, float]:
        """See `Sensor`."""
        watts: list[float] = []
        problems: list[Exception] = []
        over = Event()

        def sample() -> None:
            try:
                while not over.is_set():
                    watts.append(self.read_watts())
                    over.wait(_SAMPLE_SECONDS)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                problems.append(error)

        sampling = Thread(target=sample, daemon=True)
        started = perf_counter()
        sampling.start()
        try:
            work()
            seconds = perf_counter() - started
        finally:
            over.set()
            sampling.join()
        if problems:
            raise SensorError(f"{self.name} can't be read: {problems[0]}")
        return sum(watts) / len(watts) * seconds, seconds


@dataclass
class EnergyCounters:
    """Counters of energy, which start again from 0 after their largest value.

    Attributes:
        name: Name, for reports.
        counters: File of each counter in microjoules, with its largest value.
    """

    name: str
    counters: dict[Path, int]

    def joules_of(self, work: Callable[[], object]) -> tuple[float, float]:
        """See `Sensor`."""
        before, started = self._read(), perf_counter()
        work()
        seconds, after = perf_counter() - started, self._read()
        joules = sum((after[path] - before[path]) % (most + 1) for path, most in self.counters.items()) * _MICRO
        return joules, seconds

    def _read(self) -> dict[Path, int]:
        try:
            return {path: int(path.read_text()) for path in self.counters}
        except (OSError, ValueError) as error:
            raise SensorError(f"{self.name} can't be read: {error}") from error


def read_pmic() -> str:
    """Return the readings of a Raspberry Pi 5.

    Raises:
        OSError: There is no ``vcgencmd``.
        SubprocessError: The board has no such readings.
    """
    program = shutil.which("vcgencmd")
    if program is None:
        raise FileNotFoundError("vcgencmd is not installed")
    return subprocess.run(  # noqa: S603 - shutil.which has just found the program
        [program, "pmic_read_adc"], capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=True
    ).stdout


def pmic_watts(readings: str) -> float:
    """Return the power of all rails with a current and a voltage, in watts.

    Args:
        readings: Output of ``vcgencmd pmic_read_adc``, with or without ``current(n)`` and ``volt(n)``.

    Raises:
        ValueError: There is no such rail.
    """
    found: dict[str, dict[str, float]] = {"A": {}, "V": {}}
    for match in _RAIL.finditer(readings):
        found[match["of"]][match["rail"]] = float(match["value"])
    rails = found["A"].keys() & found["V"].keys()
    if not rails:
        raise ValueError(f"vcgencmd pmic_read_adc returned no rail with current and voltage: {readings[:100]!r}")
    return sum(found["A"][rail] * found["V"][rail] for rail in rails)


def find_sensor(chosen: str, root: Path, pmic: Callable[[], str] = read_pmic) -> Sensor:
    """Return the sensor to use.

    Args:
        chosen: ``auto`` for the first of hwmon (a known one), pmic and rapl; ``pmic``, ``rapl``, or the name of a hwmon
            device.
        root: Folder that contains ``sys``.
        pmic: Function that returns the readings of ``vcgencmd pmic_read_adc``.

    Raises:
        SensorError: There is no such sensor, or it can't be read.
    """
    match chosen:
        case "pmic":
            return _pmic(pmic)
        case "rapl":
            return _rapl(root)
        case "auto":
            return _first(root, pmic)
        case _:
            return _hwmon(root, (chosen,))


def _first(root: Path, pmic: Callable[[], str]) -> Sensor:
    problems = []
    finds: tuple[Callable[[], Sensor], ...] = (
        partial(_hwmon, root, _KNOWN_HWMON),
        partial(_pmic, pmic),
        partial(_rapl, root),
    )
    for find in finds:
        try:
            return find()
        except SensorError as error:
            problems.append(str(error))
    raise SensorError("; ".join(problems))


def _hwmon(root: Path, names: tuple[str, ...]) -> Sensor:
    present = {}
    for folder in sorted((root / _HWMON).glob("hwmon*")):
        try:
            present[(folder / "name").read_text().strip()] = folder
        except OSError:
            continue
    for name in names:
        if name in present:
            return _tried(PowerSensor(f"hwmon {name}", partial(_hwmon_watts, present[name])))
    wanted = names[0] if len(names) == 1 else "for a whole board (INA219, INA226)"
    raise SensorError(f"no hwmon sensor {wanted}; present: {', '.join(present) or 'none'}")


def _hwmon_watts(folder: Path) -> float:
    power = folder / "power1_input"
    if power.exists():
        return int(power.read_text()) * _MICRO
    current, voltage = ((folder / name).read_text() for name in ("curr1_input", "in1_input"))
    return int(current) * _MILLI * int(voltage) * _MILLI


def _pmic(read: Callable[[], str]) -> Sensor:
    return _tried(PowerSensor("pmic_read_adc", lambda: pmic_watts(read())))


def _tried(sensor: PowerSensor) -> Sensor:
    try:
        sensor.read_watts()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise SensorError(f"{sensor.name} can't be read: {error}") from error
    return sensor


def _rapl(root: Path) -> Sensor:
    counters = {}
    for folder in sorted((root / _POWERCAP).glob("intel-rapl:*")):
        try:
            if _RAPL_DOMAINS.fullmatch((folder / "name").read_text().strip()):
                counters[folder / "energy_uj"] = int((folder / "max_energy_range_uj").read_text())
        except (OSError, ValueError):
            continue
    if not counters:
        raise SensorError("no RAPL counters in /sys/class/powercap")
    sensor = EnergyCounters("RAPL", counters)
    sensor.joules_of(lambda: None)
    return sensor

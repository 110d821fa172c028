"""Sensors of power and energy, in artificial /sys folders and outputs."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgepress_evaluator.measure.power_sensors import (
    EnergyCounters,
    PowerSensor,
    SensorError,
    find_sensor,
    pmic_watts,
)

PI_5_READINGS = """\
 3V7_WL_SW_A current(0)=0.10000000A
   3V3_SYS_A current(1)=0.20000000A
  VDD_CORE_A current(7)=1.50000000A
   HDMI_A current(23)=0.01000000A
 3V7_WL_SW_V volt(8)=3.70000000V
   3V3_SYS_V volt(9)=3.30000000V
  VDD_CORE_V volt(15)=0.80000000V
     EXT5V_V volt(24)=5.10000000V
      BATT_V volt(25)=0.00000000V
"""


def _no_pmic() -> str:
    raise FileNotFoundError("vcgencmd is not installed")


def _write(root: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)


def _name(chosen: str, root: Path, pmic: Callable[[], str] = _no_pmic) -> str:
    return find_sensor(chosen, root, pmic).name


def test_rails_of_a_raspberry_pi_5_add_up() -> None:
    """Rails with current and voltage count: the input's voltage has no current, HDMI's current no voltage."""
    expected = 0.1 * 3.7 + 0.2 * 3.3 + 1.5 * 0.8
    assert pmic_watts(PI_5_READINGS) == pytest.approx(expected)
    assert pmic_watts("VDD_CORE_V=0.8750V\nVDD_CORE_A=1.2340A\n") == pytest.approx(0.875 * 1.234)


def test_readings_without_a_rail_are_refused() -> None:
    """The error shows what was returned."""
    with pytest.raises(ValueError, match="no rail with current and voltage: 'error=1'"):
        pmic_watts("error=1")


def test_a_known_sensor_of_the_whole_board_comes_first(tmp_path: Path) -> None:
    """Then the chip of the board, then the counters of the processor."""
    rapl = {
        "sys/class/powercap/intel-rapl:0/name": "package-0\n",
        "sys/class/powercap/intel-rapl:0/energy_uj": "100\n",
        "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "262143328850\n",
    }
    _write(tmp_path, rapl)
    assert _name("auto", tmp_path) == "RAPL"
    assert _name("auto", tmp_path, lambda: PI_5_READINGS) == "pmic_read_adc"
    hwmon = "sys/class/hwmon/hwmon2"
    _write(tmp_path, {f"{hwmon}/name": "ina226\n", f"{hwmon}/power1_input": "3500000\n"})
    assert _name("auto", tmp_path, lambda: PI_5_READINGS) == "hwmon ina226"
    assert _name("rapl", tmp_path) == "RAPL"
    assert _name("pmic", tmp_path, lambda: PI_5_READINGS) == "pmic_read_adc"


def test_a_hwmon_sensor_is_read_in_watts(tmp_path: Path) -> None:
    """From power1_input, or from current times voltage; another sensor by its name."""
    folder = "sys/class/hwmon/hwmon0"
    _write(tmp_path, {f"{folder}/name": "ina219\n", f"{folder}/curr1_input": "640\n", f"{folder}/in1_input": "5100\n"})
    by_current = find_sensor("auto", tmp_path, _no_pmic)
    assert isinstance(by_current, PowerSensor)
    assert by_current.read_watts() == pytest.approx(0.64 * 5.1)
    _write(tmp_path, {f"{folder}/power1_input": "3264000\n"})
    assert by_current.read_watts() == pytest.approx(3.264)
    other = "sys/class/hwmon/hwmon1"
    _write(tmp_path, {f"{other}/name": "lab_meter\n", f"{other}/power1_input": "1000000\n"})
    chosen = find_sensor("lab_meter", tmp_path, _no_pmic)
    assert isinstance(chosen, PowerSensor)
    assert chosen.read_watts() == 1


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("auto", "no hwmon sensor for a whole board .* present: cpu_thermal; .*vcgencmd is not installed; no RAPL"),
        ("pmic", "pmic_read_adc can't be read: vcgencmd is not installed"),
        ("rapl", "no RAPL counters in /sys/class/powercap"),
        ("ina219", "no hwmon sensor ina219; present: cpu_thermal"),
    ],
)
def test_a_missing_sensor_says_what_was_looked_for(tmp_path: Path, chosen: str, message: str) -> None:
    """Present sensors are named."""
    _write(tmp_path, {"sys/class/hwmon/hwmon0/name": "cpu_thermal\n"})

    with pytest.raises(SensorError, match=message):
        find_sensor(chosen, tmp_path, _no_pmic)


def test_a_sensor_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    """A hwmon device without power and current."""
    _write(tmp_path, {"sys/class/hwmon/hwmon0/name": "ina219\n"})

    with pytest.raises(SensorError, match="hwmon ina219 can't be read"):
        find_sensor("ina219", tmp_path, _no_pmic)


def test_counters_count_packages_and_memory_and_start_again(tmp_path: Path) -> None:
    """Cores are part of a package and are left out; a counter that passes its largest value begins with 0."""
    base = "sys/class/powercap/intel-rapl:0"
    names = {base: "package-0", f"{base}:0": "core", f"{base}:1": "dram"}
    for folder, name in names.items():
        _write(
            tmp_path,
            {f"{folder}/name": name, f"{folder}/energy_uj": "900", f"{folder}/max_energy_range_uj": "999"},
        )
    sensor = find_sensor("rapl", tmp_path, _no_pmic)
    assert isinstance(sensor, EnergyCounters)

    def work() -> None:
        _write(tmp_path, {f"{base}/energy_uj": "100", f"{base}:0/energy_uj": "500", f"{base}:1/energy_uj": "950"})

    joules, seconds = sensor.joules_of(work)

    assert joules == pytest.approx((200 + 50) * 1e-6)
    assert seconds > 0


def test_power_is_the_mean_of_the_readings_times_the_duration() -> None:
    """The sensor is read while the work lasts."""
    readings = iter([1.0, 3.0, *[2.0] * 1000])
    joules, seconds = PowerSensor("test", lambda: next(readings)).joules_of(lambda: time.sleep(0.2))

    assert joules == pytest.approx(2.0 * seconds, rel=0.3)


def test_a_sensor_that_fails_meanwhile_is_an_error() -> None:
    """The message names the sensor and the reason."""

    def read() -> float:
        raise OSError("bus error")

    with pytest.raises(SensorError, match="lab can't be read: bus error"):
        PowerSensor("lab", read).joules_of(lambda: None)

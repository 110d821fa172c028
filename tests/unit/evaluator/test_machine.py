"""The description of a machine, read from an artificial /proc and /sys."""

import os
from pathlib import Path

import pytest

from edgepress_evaluator.announcement import announce, automatic_labels
from edgepress_evaluator.measure.cpu import cpu_name
from edgepress_evaluator.measure.machine import Machine, usable_cores
from edgepress_evaluator.measure.other_load import OtherLoad
from edgepress_evaluator.measure.throttling import read_flags

PI_4_CPUINFO = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

processor\t: 1
CPU implementer\t: 0x41
CPU part\t: 0xd08

Hardware\t: BCM2835
Revision\t: c03114
Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""
PI_4_FILES = {
    "proc/cpuinfo": PI_4_CPUINFO,
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/loadavg": "0.52 0.58 0.59 1/389 12345\n",
    "proc/stat": "cpu  500 100 300 9000 40 50 50 7 0 0\ncpu0 500 100 300 9000 40 50 50 7 0 0\n",
    "proc/meminfo": "MemTotal:        3884096 kB\nMemFree:         2731008 kB\n",
    "proc/sys/kernel/arch": "aarch64\n",
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
}


def _machine(root: Path, files: dict[str, str], architecture: str, *, told_emulated: bool | None = None) -> Machine:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    identity = os.uname_result(("Linux", "host", "6.6.51+rpt-rpi-v8", "#1 SMP", architecture))
    return Machine(root, identity, told_emulated)


def test_raspberry_pi_is_described(tmp_path: Path) -> None:
    """Everything a Pi 4 tells, in the units the fields are named for."""
    machine = _machine(tmp_path, PI_4_FILES, "aarch64")

    assert machine.board == "Raspberry Pi 4 Model B Rev 1.4"
    assert machine.cpu == "Cortex-A72 (BCM2835)"
    assert machine.architecture == "aarch64"
    assert machine.kernel == "Linux 6.6.51+rpt-rpi-v8"
    assert machine.memory_bytes == 3884096 * 1024
    assert machine.governor == "ondemand"
    assert machine.load_average == 0.52
    assert machine.busy_seconds() == 1000 / os.sysconf("SC_CLK_TCK")
    assert machine.temperature_c() == 48.312
    assert not machine.emulated
    assert read_flags(tmp_path) == 0x50005


def test_machine_that_tells_nothing(tmp_path: Path) -> None:
    """None for everything that isn't there, and no error."""
    machine = _machine(tmp_path, {}, "x86_64")

    assert (machine.board, machine.cpu, machine.governor, machine.load_average) == (None, None, None, None)
    assert machine.temperature_c() is None
    assert machine.busy_seconds() is None
    assert machine.memory_bytes == 0
    assert not machine.emulated
    assert read_flags(tmp_path) is None


@pytest.mark.parametrize(
    ("files", "architecture", "emulated"),
    [
        ({"proc/sys/kernel/arch": "x86_64\n"}, "aarch64", True),
        ({"proc/sys/kernel/arch": "aarch64\n"}, "x86_64", True),
        ({"proc/sys/kernel/arch": "aarch64\n"}, "aarch64", False),
        ({"proc/self/arch_status": "AVX512_elapsed_ms:\t-1\n"}, "aarch64", True),  # a kernel before 6.1
        ({"proc/self/arch_status": "AVX512_elapsed_ms:\t-1\n"}, "x86_64", False),
        ({}, "aarch64", False),
    ],
)
def test_emulation_is_found_by_the_real_kernels_traces(
    tmp_path: Path, files: dict[str, str], architecture: str, *, emulated: bool
) -> None:
    """An emulator has a kernel of another architecture than the process reports."""
    assert _machine(tmp_path, files, architecture).emulated == emulated


@pytest.mark.parametrize("told", [True, False])
def test_the_setting_for_emulation_takes_precedence(tmp_path: Path, *, told: bool) -> None:
    """The setting overrides detection."""
    assert _machine(tmp_path, PI_4_FILES, "aarch64", told_emulated=told).emulated is told


def test_processors_temperature_comes_before_others(tmp_path: Path) -> None:
    """The processor's sensor is read among several, at any position in the list; an unreadable one is skipped."""
    zones = {"0": ("acpitz", "27800"), "1": ("iwlwifi_1", ""), "2": ("x86_pkg_temp", "61000")}
    files = {}
    for number, (kind, temperature) in zones.items():
        files[f"sys/class/thermal/thermal_zone{number}/type"] = kind
        files[f"sys/class/thermal/thermal_zone{number}/temp"] = temperature

    assert _machine(tmp_path, files, "x86_64").temperature_c() == 61


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC 7763\nprocessor\t: 1\nmodel name\t: AMD EPYC 7763\n", "AMD EPYC 7763"),
        ("CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n", "Cortex-A76"),
        (
            "CPU implementer\t: 0x41\nCPU part\t: 0xd03\nCPU implementer\t: 0x41\nCPU part\t: 0xd09\n",
            "Cortex-A53 + Cortex-A73",
        ),
        ("CPU implementer\t: 0x41\nCPU part\t: 0xfff\n", "Arm part 0xfff"),
        ("CPU implementer\t: 0x61\nCPU part\t: 0x022\n", "part 0x22 of 0x61"),
        ("model name\t: ARMv8 rev 3\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n", "Cortex-A72"),
        ("Hardware\t: Some chip\n", "Some chip"),
        ("", None),
    ],
)
def test_processors_name(cpuinfo: str, name: str | None) -> None:
    """x86 has a name; Arm's numbers are translated, each kind of core named once."""
    assert cpu_name(cpuinfo) == name


@pytest.mark.parametrize(
    ("board", "architecture", "labels"),
    [
        ("Raspberry Pi 4 Model B Rev 1.4", "aarch64", ["arm64", "rpi4"]),
        ("Raspberry Pi 5 Model B Rev 1.0", "aarch64", ["arm64", "rpi5"]),
        ("Raspberry Pi Zero 2 W Rev 1.0", "aarch64", ["arm64", "rpizero2"]),
        ("Raspberry Pi Compute Module 4 Rev 1.1", "aarch64", ["arm64", "rpicm4"]),
        ("NVIDIA Jetson Nano Developer Kit", "aarch64", ["arm64"]),
        (None, "x86_64", ["x86_64"]),
    ],
)
def test_labels_follow_from_the_machine(
    tmp_path: Path, board: str | None, architecture: str, labels: list[str]
) -> None:
    """Jobs can select a kind of board without labels from its owner."""
    files = {"proc/device-tree/model": board + "\0"} if board else {}

    assert list(automatic_labels(_machine(tmp_path, files, architecture))) == labels


def test_announcement_holds_given_and_found_labels_once(tmp_path: Path) -> None:
    """Given labels come first; a label that is both given and found occurs once."""
    machine = _machine(tmp_path, PI_4_FILES, "aarch64", told_emulated=True)

    announcement = announce(machine, ("lab", "arm64"), shares_cpu=True, identity="0" * 32, machine_id="boot")

    assert announcement.labels == ("lab", "arm64", "rpi4", "emulated")
    assert announcement.board == "Raspberry Pi 4 Model B Rev 1.4"
    assert announcement.cores == usable_cores()
    assert announcement.runtime.startswith("LiteRT ")
    assert announcement.emulated
    assert announcement.shares_cpu
    assert announcement.machine_id == "boot"


def test_this_machine_can_be_described() -> None:
    """An announcement is built from the real /proc."""
    announcement = announce(Machine(), (), shares_cpu=False, identity="0" * 32, machine_id=None)

    assert announcement.machine == os.uname().machine
    assert announcement.memory_bytes > 0


def test_load_of_other_programs_is_what_the_machine_did_beyond_this_one(tmp_path: Path) -> None:
    """In processors, on average: here 15 s of work of which 8 s were this program's, in 10 s."""
    ticks = os.sysconf("SC_CLK_TCK")
    machine = _machine(tmp_path, {"proc/stat": "cpu  0 0 0 0 0 0 0 0 0 0\n"}, "x86_64")
    moments, own = iter([100.0, 110.0, 110.1]), iter([1.0, 9.0, 9.0])
    load = OtherLoad(machine, clock=lambda: next(moments), own_seconds=lambda: next(own))
    (tmp_path / "proc/stat").write_text(f"cpu  {10 * ticks} 0 {5 * ticks} 900 0 0 0 0 0 0\n")
    assert load.processors() == pytest.approx(0.7)
    (tmp_path / "proc/stat").unlink()
    assert load.processors() is None

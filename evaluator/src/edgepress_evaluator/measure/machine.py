"""What the machine says of itself under ``/proc`` and ``/sys``. Whatever it doesn't tell is None."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from edgepress_evaluator.measure.cpu import cpu_name

_BOARD = "proc/device-tree/model"
_KERNEL_ARCHITECTURE = "proc/sys/kernel/arch"
_X86_ONLY = "proc/self/arch_status"
_GOVERNOR = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
_THERMAL_ZONES = "sys/class/thermal"
_CPU_ZONE = re.compile("cpu|soc|pkg", re.IGNORECASE)  # as in cpu-thermal, soc-thermal, x86_pkg_temp
_MILLIDEGREES = 1000


@dataclass(frozen=True)
class Machine:
    """The machine this process runs on.

    Attributes:
        root: Folder that ``proc`` and ``sys`` are found in.
        identity: What the kernel says it runs on.
        told_emulated: Whether another processor is imitated, if somebody knows; None to find out.
    """

    root: Path = Path("/")
    identity: os.uname_result = field(default_factory=os.uname)
    told_emulated: bool | None = None

    @property
    def architecture(self) -> str:
        """As in ``aarch64``."""
        return self.identity.machine

    @property
    def kernel(self) -> str:
        """Name and version of the operating system's kernel."""
        return f"{self.identity.sysname} {self.identity.release}"

    @property
    def board(self) -> str | None:
        """As in ``Raspberry Pi 4 Model B Rev 1.4``."""
        text = self._read(_BOARD)
        return text.strip("\0") if text else None  # the device tree's strings end with a zero

    @property
    def cpu(self) -> str | None:
        """The processor's name."""
        return cpu_name(self._read("proc/cpuinfo") or "")

    @property
    def memory_bytes(self) -> int:
        """Of the machine; 0 if it doesn't tell."""
        match = re.search(r"^MemTotal:\s+(\d+) kB", self._read("proc/meminfo") or "", re.MULTILINE)
        return int(match[1]) * 1024 if match else 0

    @property
    def governor(self) -> str | None:
        """Frequency policy, as in ``ondemand``."""
        return self._read(_GOVERNOR)

    @property
    def load_average(self) -> float | None:
        """Processes waiting for a processor, over the last minute."""
        text = self._read("proc/loadavg")
        return float(text.split()[0]) if text else None

    @property
    def emulated(self) -> bool:
        """Whether another kind of processor is imitated.

        An emulator of single programs (qemu-user, also behind Docker's foreign images) leaves traces of the real
        kernel: the architecture it was built for (Linux 6.1 and later), or a file that only x86 kernels have (5.3 and
        later). An emulator of a whole machine leaves none: it must be told.
        """
        if self.told_emulated is not None:
            return self.told_emulated
        real = self._read(_KERNEL_ARCHITECTURE)
        if real is not None:
            return real != self.architecture
        return self.architecture == "aarch64" and (self.root / _X86_ONLY).exists()

    def temperature_c(self) -> float | None:
        """Of the processor now, in degrees Celsius; of whatever has a sensor, if the processor has none."""
        zones = sorted((self.root / _THERMAL_ZONES).glob("thermal_zone*"))
        zones.sort(key=lambda zone: not _CPU_ZONE.search(self._read(zone / "type") or ""))
        for zone in zones:
            text = self._read(zone / "temp")
            if text:
                return int(text) / _MILLIDEGREES
        return None

    def _read(self, path: str | Path) -> str | None:
        try:
            return (self.root / path).read_text(errors="replace").strip() or None
        except OSError:  # some sensors are there and can't be read
            return None


def usable_cores() -> int:
    """Logical processors this process may use."""
    return len(os.sched_getaffinity(0))

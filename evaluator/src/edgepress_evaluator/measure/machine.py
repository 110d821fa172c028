"""Properties of the machine, read from ``/proc`` and ``/sys``. A property that is not available is None."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from edgepress_evaluator.measure.cpu import cpu_name
from edgepress_evaluator.measure.kernels import Arithmetic, Kernel, features_of, kernel_of

_BOARD = "proc/device-tree/model"
_KERNEL_ARCHITECTURE = "proc/sys/kernel/arch"
_X86_ONLY = "proc/self/arch_status"
_GOVERNOR = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
_THERMAL_ZONES = "sys/class/thermal"
_CPU_ZONE = re.compile("cpu|soc|pkg", re.IGNORECASE)  # such as cpu-thermal, soc-thermal, x86_pkg_temp
_MILLIDEGREES = 1000
_BUSY = (0, 1, 2, 5, 6)  # columns of /proc/stat: user, nice, system, irq, softirq
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Machine:
    """The machine that this process runs on.

    Attributes:
        root: Folder that contains ``proc`` and ``sys``.
        identity: The kernel's name, version and architecture.
        told_emulated: Whether the processor is emulated, from the settings; None to detect it.
    """

    root: Path = Path("/")
    identity: os.uname_result = field(default_factory=os.uname)
    told_emulated: bool | None = None

    @property
    def architecture(self) -> str:
        """Architecture, such as ``aarch64``."""
        return self.identity.machine

    @property
    def kernel(self) -> str:
        """Name and version of the kernel."""
        return f"{self.identity.sysname} {self.identity.release}"

    @property
    def board(self) -> str | None:
        """Model of the board, such as ``Raspberry Pi 4 Model B Rev 1.4``."""
        text = self._read(_BOARD)
        return text.strip("\0") if text else None  # strings of the device tree end with a null byte

    @property
    def cpu(self) -> str | None:
        """Name of the processor."""
        return cpu_name(self._read("proc/cpuinfo") or "")

    @property
    def instructions(self) -> tuple[str, ...] | None:
        """Features of the processor that matter to kernels, as ``/proc/cpuinfo`` names them; None if unknown."""
        return features_of(self._read("proc/cpuinfo") or "")

    def kernel_of(self, arithmetic: Arithmetic) -> Kernel | None:
        """Return the delegate's kernels for a type of arithmetic; None if they are not known."""
        return kernel_of(arithmetic, self.architecture, frozenset(self.instructions or ()), self.cpu)

    @property
    def memory_bytes(self) -> int:
        """Memory of the machine in bytes; 0 if unknown."""
        match = re.search(r"^MemTotal:\s+(\d+) kB", self._read("proc/meminfo") or "", re.MULTILINE)
        return int(match[1]) * 1024 if match else 0

    @property
    def governor(self) -> str | None:
        """Frequency policy, such as ``ondemand``."""
        return self._read(_GOVERNOR)

    @property
    def load_average(self) -> float | None:
        """Mean number of running or waiting processes over the last minute."""
        text = self._read("proc/loadavg")
        return float(text.split()[0]) if text else None

    def busy_seconds(self) -> float | None:
        """Return for how long the processors were busy since the start of the machine, added up over all of them."""
        match = re.search(r"^cpu\s+(.+)$", self._read("proc/stat") or "", re.MULTILINE)
        ticks = match[1].split() if match else ()
        return sum(int(ticks[column]) for column in _BUSY) / _TICKS_PER_SECOND if len(ticks) > max(_BUSY) else None

    @property
    def emulated(self) -> bool:
        """Whether the processor is emulated.

        An emulator of single programs (qemu-user, also for foreign Docker images) can be detected by properties of the
        real kernel: the architecture that it was built for (Linux 6.1 and later), or a file that only x86 kernels have
        (5.3 and later). An emulator of an entire machine can't be detected; set it in the settings.
        """
        if self.told_emulated is not None:
            return self.told_emulated
        real = self._read(_KERNEL_ARCHITECTURE)
        if real is not None:
            return real != self.architecture
        return self.architecture == "aarch64" and (self.root / _X86_ONLY).exists()

    def temperature_c(self) -> float | None:
        """Current temperature of the processor in degrees Celsius; of another sensor if the processor has none."""
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
        except OSError:  # some sensors exist but can't be read
            return None


def usable_cores() -> int:
    """Return the number of logical processors that this process may use."""
    return len(os.sched_getaffinity(0))

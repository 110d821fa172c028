"""An arm64 machine, as far as one program needs one: Python 3.11 with the evaluator's wheels, under QEMU.

It needs neither root nor a container, but Debian on x86-64: everything comes from the machine's own package sources.

1. `qemu-user` of Debian 13: earlier ones show the program the host's ``/proc/cpuinfo``, and LiteRT crashes on it.
2. Python 3.11 for arm64, of Debian 12, with the libraries it stands on. Both are unpacked, not installed.
3. The wheels for aarch64, as locked, beside pytest.

A folder that is complete is used again. The time that anything takes there says nothing of a real board.
"""

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_CPU = "cortex-a72"  # a Pi 4's; what QEMU takes by default computes some of LiteRT's kernels wrongly
_EMULATOR = ("trixie", "qemu-user")
_PYTHON = (
    "bookworm",
    "libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libssl3", "libbz2-1.0", "liblzma5",
    "libsqlite3-0", "libuuid1", "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib",
)  # fmt: skip
_TESTS_NEED = ("pytest", "pytest-timeout", "hypothesis")
_UV = ROOT / ".uv" / "bin" / "uv"

_APT = """\
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "2";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "{folder}/lists";
Dir::State::Status "{folder}/status";
Dir::Cache "{folder}/cache";
"""


class NoArm64MachineError(Exception):
    """There can be none here, and why."""


@dataclass(frozen=True)
class Arm64Machine:
    """A folder with everything unpacked.

    Attributes:
        folder: Where.
    """

    folder: Path

    @property
    def python(self) -> tuple[str, ...]:
        """Starts Python there. Programs that it starts itself have to be started with it again."""
        root = self.folder / "root"
        emulator = self.folder / "emulator" / "usr" / "bin" / "qemu-aarch64"
        return (str(emulator), "-cpu", _CPU, "-L", str(root), str(root / "usr" / "bin" / "python3.11"))

    @property
    def environment(self) -> Mapping[str, str]:
        """What Python needs to find its packages and ours."""
        sources = (self.folder / "site", ROOT / "common" / "src", ROOT / "evaluator" / "src", ROOT / "tests")
        return {"PYTHONPATH": os.pathsep.join(map(str, sources)), "PYTHONDONTWRITEBYTECODE": "1"}


def arm64_machine(parent: Path) -> Arm64Machine:
    """The machine in a folder of its own below ``parent``; made when there is none with the same packages.

    Raises:
        NoArm64MachineError: It can't be made here.
    """
    _require_debian()
    made_of = (Path(__file__), ROOT / "requirements.lock", ROOT / "evaluator" / "pyproject.toml")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in made_of)).hexdigest()
    machine = Arm64Machine(parent / digest[:16])
    if not machine.folder.exists():
        making = parent / f"{digest[:16]}.{os.getpid()}"
        try:
            making.mkdir(parents=True)
            _make(making)
            making.rename(machine.folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return machine


def _require_debian() -> None:
    if platform.machine() != "x86_64":
        raise NoArm64MachineError(f"QEMU is unpacked for x86-64, and this machine is {platform.machine()}")
    missing = [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]
    missing += [str(path) for path in (_KEYRING, _UV) if not path.exists()]
    if missing:
        raise NoArm64MachineError(f"{', '.join(missing)} not there; accepted: Debian, and an environment by 'make'")


def _make(folder: Path) -> None:
    mirror = _mirror()
    _unpack(mirror, _EMULATOR[0], "amd64", _EMULATOR[1:], folder / "emulator")
    _unpack(mirror, _PYTHON[0], "arm64", _PYTHON[1:], folder / "root")
    _install_wheels(folder / "site")


def _mirror() -> str:
    """Where this machine has Debian's packages from."""
    asked = _run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages", "Component: main"]
    )
    releases = dict(line.split(maxsplit=1) for line in reversed(asked.splitlines()))
    for release in ("bookworm", "trixie", "forky", "stable", "oldstable", "testing", "sid"):
        if release in releases:
            return releases[release].strip()
    raise NoArm64MachineError(f"apt has packages of {sorted(releases)} here; accepted: one of Debian's releases")


def _unpack(mirror: str, release: str, architecture: str, packages: Sequence[str], into: Path) -> None:
    """Unpacks packages of another release or architecture, by an apt that has its own folders."""
    folder = into.with_name(f"apt-{release}")
    for part in ("lists/partial", "cache/archives/partial", "downloads"):
        (folder / part).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {mirror} {release} main\n")
    (folder / "apt.conf").write_text(_APT.format(architecture=architecture, folder=folder))
    environment = {"APT_CONFIG": str(folder / "apt.conf")}
    _run(["apt-get", "-qq", "update", "--error-on=any"], environment)
    _run(["apt-get", "-qq", "download", *packages], environment, folder / "downloads")
    for package in sorted((folder / "downloads").iterdir()):
        _run(["dpkg-deb", "--extract", str(package), str(into)])
    shutil.rmtree(folder)


def _install_wheels(site: Path) -> None:
    compiled = site.with_name("wheels.txt")
    _run(
        [str(_UV), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes",
         "--no-annotate", "--no-header", "--no-emit-index-url", "--constraints", "requirements.lock",
         "--no-emit-package", "edgepress-common", "evaluator/pyproject.toml", "-", "--output-file", str(compiled)],
        said="\n".join(_TESTS_NEED),
    )  # fmt: skip
    _run(
        [str(_UV), "pip", "install", "--quiet", "--target", str(site), "--python-platform", "aarch64-manylinux_2_28",
         "--python-version", "3.11", "--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(compiled)],
    )  # fmt: skip


def _run(
    command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path = ROOT, said: str = ""
) -> str:
    ran = subprocess.run(
        command, env=os.environ | dict(environment or {}), cwd=folder, input=said, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if ran.returncode != 0:
        raise NoArm64MachineError(f"{' '.join(command[:4])} ... ended with {ran.returncode}: {ran.stderr[-1000:]}")
    return ran.stdout

"""A 64-bit Arm Python on a PC: Debian's, with the evaluator's wheels as locked, run by an emulator of single programs.

``python -m fakes.arm64_machine FOLDER``, in the folder ``tests``, makes it in half a minute, unless it is there: of
Debian's packages, from the mirror that this machine's apt has, and of the package index. It needs neither root nor a
container, and installs nothing. In order:

1. QEMU of Debian 13. The version matters: before 10 it shows the program this machine's ``/proc/cpuinfo``, and LiteRT
   crashes.
2. Python 3.11 and the libraries it stands on, of Debian 12 for arm64, which fits the wheels and the lock.
3. The wheels for aarch64, of the versions and with the hashes of requirements.lock, and pytest.
4. A program ``python`` that starts the one through the other. Tests take it as EDGEPRESS_TEST_PYTHON.
"""

import shlex
import shutil
import subprocess
import sys
import tempfile
from compileall import compile_dir
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE_OF = tuple(ROOT / path for path in ("requirements.lock", "common/pyproject.toml", "evaluator/pyproject.toml"))

_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
_EMULATOR = ("trixie", "qemu-user")
_PYTHON = (
    "bookworm", "libc6", "libgcc-s1", "libstdc++6", "python3.11-minimal", "libpython3.11-minimal",
    "libpython3.11-stdlib", "zlib1g", "libexpat1", "libffi8", "libssl3", "libbz2-1.0", "liblzma5", "libsqlite3-0",
    "libuuid1",
)  # fmt: skip
_WHEELS_FOR = "aarch64-manylinux_2_28"
# A Pi 4's processor. With the one that QEMU takes by default, some of LiteRT's kernels compute wrongly.
_PROCESSOR = "cortex-a72"


def make(folder: Path) -> Path:
    """Makes the machine, unless it is there as the lock has it.

    Returns:
        The program that starts its Python.
    """
    python, made_of = folder / "python", folder / "made-of"
    recipe = "".join(path.read_text() for path in (Path(__file__), *MADE_OF))
    if made_of.exists() and made_of.read_text() == recipe:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ThreadPoolExecutor() as at_once:
        parts = (
            at_once.submit(_unpack, folder / "emulator", _this_architecture(), *_EMULATOR),
            at_once.submit(_unpack, folder / "root", "arm64", *_PYTHON),
            at_once.submit(_install_wheels, folder / "site"),
        )
    for part in parts:
        part.result()
    for program in (folder / "emulator/usr/bin").iterdir():
        if program.name != "qemu-aarch64":  # there are thirty, of many megabytes each
            program.unlink()
    # Compiled by this machine, which is sixty times faster at it: the code is the same for every processor.
    for compiled in (folder / "root/usr/lib/python3.11", folder / "site"):
        compile_dir(compiled, quiet=2, workers=0)
    python.write_text(_starter(folder.resolve()))
    python.chmod(0o755)
    made_of.write_text(recipe)
    return python


def _starter(folder: Path) -> str:
    place = shlex.quote(str(folder))
    return (
        "#!/bin/sh\n"
        f"export QEMU_CPU={_PROCESSOR} QEMU_LD_PREFIX={place}/root\n"
        f"export PYTHONPATH=${{PYTHONPATH:+$PYTHONPATH:}}{place}/site\n"
        f'exec {place}/emulator/usr/bin/qemu-aarch64 {place}/root/usr/bin/python3.11 "$@"\n'
    )


def _unpack(target: Path, architecture: str, suite: str, *packages: str) -> None:
    """Packages of another Debian than this machine's, by an apt that has its own lists."""
    with tempfile.TemporaryDirectory() as name:
        apt = Path(name)
        for folder in ("lists/partial", "cache/archives/partial"):
            (apt / folder).mkdir(parents=True)
        (apt / "status").touch()
        (apt / "sources.list").write_text(f"deb [signed-by={_KEYS}] {_mirror()} {suite} main\n")
        options = {
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Sandbox::User": "",  # the user that runs it
            "Acquire::Languages": "none",
            "Acquire::Retries": 3,
            "Dir::Etc::SourceList": apt / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": apt / "lists",
            "Dir::State::status": apt / "status",
            "Dir::Cache": apt / "cache",
        }
        command = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in options.items())]
        subprocess.run([*command, "update"], check=True, cwd=apt)
        subprocess.run([*command, "download", *packages], check=True, cwd=apt)
        for package in sorted(apt.glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, target], check=True)


def _mirror() -> str:
    """Return the Debian mirror of this machine's apt."""
    form = "--format=$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)"
    listed = subprocess.run(["apt-get", "indextargets", form], check=True, capture_output=True, text=True).stdout
    for line in listed.splitlines():
        address, release, component, *_ = line.split("\t")
        if component == "main" and "-" not in release:  # not -updates, -security, -backports
            return address
    raise SystemExit("this machine's apt knows no mirror of Debian's main archive; accepted: a Debian that has one")


def _this_architecture() -> str:
    return subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()


def _install_wheels(target: Path) -> None:
    uv = ROOT / ".uv/bin/uv"
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "tests.in").write_text("pytest\npytest-timeout\n")
        wanted, locked = [ROOT / "evaluator/pyproject.toml", Path(name) / "tests.in"], Path(name) / "locked.txt"
        subprocess.run(
            [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes",
             "--constraints", ROOT / "requirements.lock", "--no-emit-package", "edgepress-common", *wanted,
             "--output-file", locked],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", target, "--python-platform",
             _WHEELS_FOR, "--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirements", locked],
            check=True,
        )  # fmt: skip
    # For their metadata, which has their version: the sources come from PYTHONPATH, which has them first.
    members = [ROOT / "common", ROOT / "evaluator"]
    subprocess.run([uv, "pip", "install", "--quiet", "--target", target, "--no-deps", *members], check=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]))

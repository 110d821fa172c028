"""``make test-members``: each member alone, in an environment with only the dependencies that it declares.

For each member:

1. Make an environment in ``.members/``, and install the member there, with the versions of requirements.lock.
2. Import the modules of its programs, which must not need optional dependencies.
3. Add the optional dependencies and import every module. A module that needs another member or an undeclared package
   fails. Then look up every module that the source imports, also within functions.
4. Add the test tools, and run its unit tests, without those marked slow.

Wheels come from the cache of uv and are linked, so an environment takes seconds and little disk.
"""

import argparse
import ast
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = ROOT / ".uv" / "bin" / "uv"
# Extras that requirements.lock covers; `cuda` has a lock of its own, and gigabytes.
EXTRAS = frozenset({"coded", "one-machine", "pandas", "s3", "settings", "tensorboard"})
# For another Python than the lock is for: without what only other tests need, as not everything supports each Python.
TEST_TOOLS = ("flask", "flask-cors", "hypothesis", "moto[s3]", "psutil", "pytest", "pytest-timeout", "pytest-xdist")
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
names = [module.name for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    if not name.endswith((".__main__", ".env")) and ".migrations." not in name:
        importlib.import_module(name)
print(len(names))
"""
FIND_ALL = """
import importlib.util, sys
print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name) is None])
"""


def main() -> int:
    """Check the members that are named, and return the exit status."""
    parser = argparse.ArgumentParser(prog="make test-members", description=__doc__)
    parser.add_argument("member", nargs="+", help="A folder of the workspace.")
    parser.add_argument("--no-tests", action="store_true", help="Only install and import.")
    parser.add_argument("--python", default=sys.executable, help="Python of the environments (default: this one).")
    options = parser.parse_args()
    failed = [
        name for name in options.member if not holds(Member(name), options.python, run_tests=not options.no_tests)
    ]
    if failed:
        sys.stderr.write(f"not independent: {', '.join(failed)}\n")
    return 1 if failed else 0


class Member:
    """A package of the workspace, and the environment that it is alone in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.package = f"edgepress_{name}"
        self.folder = ROOT / name
        self.environment = ROOT / ".members" / name
        self.python = self.environment / "bin" / "python"

        self.project = tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]

    @property
    def extras(self) -> list[str]:
        """The optional dependencies that are installed."""
        return sorted(EXTRAS & set(self.project.get("optional-dependencies", {})))

    @property
    def programs(self) -> list[str]:
        """The modules of its programs, and the package itself."""
        return [self.package, *(target.split(":")[0] for target in self.project.get("scripts", {}).values())]

    @property
    def tests(self) -> Path:
        """The folder of its unit tests."""
        return ROOT / "tests" / "unit" / self.name

    def imported(self) -> list[str]:
        """Return the first part of each module that the source imports when it runs, also within functions."""
        found: set[str] = set()
        for path in (self.folder / "src").rglob("*.py"):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
                    node.body = []
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.split(".")[0])
        return sorted(found)

    def install(self, *requirements: str) -> None:
        """Install requirements into the environment, in the versions of the lock."""
        run(
            UV,
            "pip",
            "install",
            "--quiet",
            "--python",
            self.python,
            "--constraints",
            "requirements.lock",
            *requirements,
        )


def holds(member: Member, python: str, *, run_tests: bool) -> bool:
    """Return whether a member works alone with a Python; print what does not."""
    began = time.monotonic()
    try:
        run(UV, "venv", "--quiet", "--clear", "--python", python, member.environment)
        member.install(f"./{member.name}")
        for module in member.programs:
            run(member.python, "-I", "-c", f"import {module}")
        if member.extras:
            member.install(f"./{member.name}[{','.join(member.extras)}]")
        modules = run(member.python, "-I", "-c", IMPORT_ALL, member.package).strip()
        missing = run(member.python, "-I", "-c", FIND_ALL, *member.imported()).strip()
        if missing:
            say(member, f"imports what it does not declare: {missing}")
            return False
        if run_tests and member.tests.is_dir():
            member.install(*(("--group", "dev") if python == sys.executable else TEST_TOOLS))
            subprocess.run(
                [member.python, "-m", "pytest", "-q", "-n", "2", "-m", "not slow and not postgres", member.tests],
                cwd=ROOT,
                check=True,
            )
    except subprocess.CalledProcessError as error:
        say(member, f"failed: {' '.join(map(str, error.cmd[:6]))} ...\n{error.stderr or ''}")
        return False
    say(member, f"{modules} modules imported, {round(time.monotonic() - began)} s")
    return True


def run(*command: str | Path) -> str:
    """Run a command in the repository, and return what it printed."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def say(member: Member, what: str) -> None:
    """Print a line about a member."""
    sys.stdout.write(f"{member.name}: {what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

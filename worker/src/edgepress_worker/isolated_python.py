"""The command of a process that is isolated from the environment, the user's packages and the current folder."""

import sys
from pathlib import Path


def isolated_python(module: str) -> tuple[str, ...]:
    """Return the command that runs ``main`` of a module in a Python of its own.

    Isolation (``-I``) also ignores ``PYTHONPATH``, which an image may use for all packages, so the command names the
    folders that this process imports packages from. The current folder is not among them.

    Args:
        module: Full name of the module.
    """
    folders = [folder for folder in sys.path if folder and Path(folder).is_absolute() and Path(folder) != Path.cwd()]
    program = f"import sys; sys.path[:] = {folders!r}; from {module} import main; main()"
    return (sys.executable, "-I", "-X", "utf8", "-c", program)

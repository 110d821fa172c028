"""`edgepress decode`."""

from pathlib import Path
from typing import Annotated

import typer

from edgepress_client.cli import invocation
from edgepress_client.cli.formats import size
from edgepress_client.cli.invocation import ForceOption, JsonOption
from edgepress_client.coded_files import restore


def decode(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Coded file (.epz).")],
    *,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="PATH", help="Output file (default: the same name with .tflite), or folder for several."
        ),
    ] = None,
    force: ForceOption = False,
    json_: JsonOption = False,
) -> None:
    """Restore the .tflite file of a coded file, or several. Needs numpy.

    Example: `edgepress decode models/base/int8.epz`
    """
    here = invocation.of(context)
    restored = restore(file, to, overwrite=force)
    results = [
        {"file": str(path), "size_bytes": each.size_bytes, "model_sha256": each.sha256}
        for path, each in restored.items()
    ]
    lines = (f"{path}  {size(each.size_bytes)}: SHA-256 {each.sha256}" for path, each in restored.items())
    here.show(results[0] if len(results) == 1 else {"files": results}, *lines, as_json=json_)

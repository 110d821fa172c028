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
        Path | None, typer.Option("--to", metavar="FILE", help="Output file (default: the same name with .tflite).")
    ] = None,
    force: ForceOption = False,
    json_: JsonOption = False,
) -> None:
    """Restore a .tflite file from its coded file. Needs numpy.

    Example: `edgepress decode models/base/int8.epz`
    """
    here = invocation.of(context)
    target = to or file.with_suffix(".tflite")
    restored = restore(file, target, overwrite=force)
    result = {"file": str(target), "size_bytes": restored.size_bytes, "model_sha256": restored.sha256}
    here.show(result, f"{target}  {size(restored.size_bytes)}: SHA-256 {restored.sha256}", as_json=json_)

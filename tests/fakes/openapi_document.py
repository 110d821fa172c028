"""Writes the OpenAPI document of the gateway to a file, for the tools that check the dashboard's scripts against it."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from fakes.gateway_app import sqlite_gateway


def main(path: Path) -> None:
    """Write the document as JSON.

    Args:
        path: Output file. Its folder is created if it does not exist.
    """
    with TemporaryDirectory() as folder:
        document = sqlite_gateway(Path(folder)).client.get("/openapi.json").json()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

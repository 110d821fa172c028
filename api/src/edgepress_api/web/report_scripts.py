"""The scripts of a report's file: the chart library, and the dashboard's scripts that draw with it.

A report is one file that opens without a server, so its scripts are inline, and an inline script can't import another.
The dashboard's scripts are therefore joined in the order of their imports, without the imports and the word ``export``.
The content security policy names the SHA-256 of both scripts; no other inline script runs.
"""

import base64
import hashlib
import re
from importlib.resources import files

_WEB = files("edgepress_api.web")
LIBRARY = _WEB / "vendor" / "echarts.js"
_JOINED = ("dom.js", "chart_options.js", "charts.js")


def _joined() -> str:
    text = "\n".join((_WEB / "static" / name).read_text() for name in _JOINED)
    return re.sub(r"^(import .*;\n|export (?=function|async))", "", text, flags=re.MULTILINE)


REPORT_SCRIPTS = (LIBRARY.read_text(), _joined())
SCRIPT_HASHES = " ".join(
    f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in REPORT_SCRIPTS
)
"""Sources of a content security policy."""

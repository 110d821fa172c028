"""Users and the scopes of their tokens."""

from typing import Annotated, Literal

from pydantic import StringConstraints

Scope = Literal["submit", "read", "device", "admin"]


SCOPES: dict[Scope, str] = {
    "submit": "post jobs and data sets; cancel, retry and delete your own jobs",
    "read": "read your own jobs, reports and data sets, download results, list devices",
    "device": "lease evaluations as one device, report results, download models and packs",
    "admin": "everything, including the jobs of all users and the leases of all devices",
}


UserName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._@-]{0,62}$")]


LOCAL_USER = "local"
"""Owner of everything that is posted to a server without authentication. A token for this user has access to it."""

"""``/v1/whoami``: what a token authenticates."""

from fastapi import APIRouter
from starlette.responses import Response

from edgepress_api.devices.listing import find_device
from edgepress_api.web.adapters import Given
from edgepress_api.web.authorization import AUTHENTICATED, Who
from edgepress_api.web.responses import json_response
from edgepress_common import __version__
from edgepress_common.answers.caller import Caller

router = APIRouter(tags=["operation"])


@router.get("/v1/whoami", response_model=Caller, dependencies=[AUTHENTICATED])
def show_caller(given: Given, who: Who) -> Response:
    """Show the user, scopes and device of the request's token, and the version of the server."""
    known = None
    if who.device is not None:
        with given.database.read() as session:
            known = find_device(session, who.device, given.clock())
    return json_response(
        Caller(
            user=who.user, scopes=tuple(sorted(who.scopes)), device=who.device, known=known, server_version=__version__
        )
    )

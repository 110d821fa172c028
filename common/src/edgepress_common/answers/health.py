"""State of the gateway and of the services that it needs."""

from typing import Literal

from edgepress_common.frozen import Message


class Health(Message):
    """The gateway and the services that it needs are available."""

    status: Literal["ok"] = "ok"

"""Redis' users: each process signs in as its own, and can touch only the keys that it has to do with.

Redis refuses the rest. The gateway only asks whether Redis answers, so it can read and write nothing: who takes it over
can't send a step past the scheduler. A worker, which handles what users send, has the queues, claims, events and flags,
and nothing else that may be in the same server. Nobody can change the server's configuration, list its keys, empty it,
or run a script that reaches further; the user without a name is switched off.

The rules are lines of a ``redis.conf``, for Redis 6.2 and later. They hold passwords as digests.
"""

import hashlib
from collections.abc import Mapping
from typing import Literal, get_args

from edgepress_common.messages import EVENT_STREAM, QUEUES, cancel_key, claim_key

BrokerUser = Literal["gateway", "scheduler", "worker"]

BROKER_USERS: tuple[BrokerUser, ...] = get_args(BrokerUser)

# What can be done with keys and with one's own connection; not what shows the names of keys, nor what concerns all.
_COMMANDS = "-@all +@read +@write +@transaction +@connection -@dangerous -scan -randomkey -dbsize"
_SCRIPTS = "+eval +evalsha +script|load +script|exists"

_QUEUE_KEYS = (
    *(f"{queue}*" for queue in sorted(set(QUEUES.values()))),  # a list for each priority
    "_kombu.binding*",
)
_RULES: dict[BrokerUser, tuple[str, tuple[str, ...]]] = {
    "gateway": ("-@all +@connection -@dangerous", ()),
    "scheduler": (_COMMANDS, (*_QUEUE_KEYS, EVENT_STREAM, cancel_key("*", 0).removesuffix(":0"))),
    "worker": (
        f"{_COMMANDS} {_SCRIPTS}",
        (*_QUEUE_KEYS, "unacked*", EVENT_STREAM, claim_key("*"), cancel_key("*", 0).removesuffix(":0")),
    ),
}


def broker_configuration(passwords: Mapping[BrokerUser, str]) -> str:
    """Lines of a ``redis.conf`` that make the users, and switch off the one without a name.

    Args:
        passwords: Of each user.
    """
    nobody = "user default off resetkeys resetchannels -@all\n"
    return nobody + "".join(_line(user, passwords[user]) for user in BROKER_USERS)


def _line(user: BrokerUser, password: str) -> str:
    commands, keys = _RULES[user]
    digest = hashlib.sha256(password.encode()).hexdigest()
    patterns = " ".join(f"~{key}" for key in keys)
    return f"user {user} on #{digest} resetchannels resetkeys {patterns} {commands}".rstrip() + "\n"

"""Users of Redis: each process signs in as its own user, and can access only the keys that it needs.

Redis refuses all other keys. The gateway only checks that Redis answers, so it can't read or write any key: an attacker
in control of the gateway can't send a step past the scheduler. A worker, which handles what users send, can access the
queues, claims, events and flags, but no other data on the same server. No user can change the server's configuration,
list its keys, empty it, or run a script that exceeds these permissions; the default user is disabled.

The rules are lines of a ``redis.conf``, for Redis 6.2 and later. They contain passwords as digests.
"""

import hashlib
from collections.abc import Mapping
from typing import Literal, get_args

from edgepress_common.messages import EVENT_STREAM, LIVE_WORKERS, QUEUES, cancel_key, claim_key, live_worker_key

BrokerUser = Literal["gateway", "scheduler", "worker"]

BROKER_USERS: tuple[BrokerUser, ...] = get_args(BrokerUser)

# What can be done with keys and with one's own connection; not what shows the names of keys, nor what concerns all.
_COMMANDS = "-@all +@read +@write +@transaction +@connection -@dangerous -scan -randomkey -dbsize"
_SCRIPTS = "+eval +evalsha +script|load +script|exists"

_QUEUE_KEYS = (
    *(f"{queue}*" for queue in sorted(set(QUEUES.values()))),  # a list for each machine and priority
    "_kombu.binding*",
)
_LIVE_WORKERS = (LIVE_WORKERS, live_worker_key("*"))
_RULES: dict[BrokerUser, tuple[str, tuple[str, ...]]] = {
    "gateway": ("-@all +@connection -@dangerous", ()),
    "scheduler": (_COMMANDS, (*_QUEUE_KEYS, *_LIVE_WORKERS, EVENT_STREAM, cancel_key("*", 0).removesuffix(":0"))),
    "worker": (
        f"{_COMMANDS} {_SCRIPTS}",
        (*_QUEUE_KEYS, *_LIVE_WORKERS, "unacked*", EVENT_STREAM, claim_key("*"), cancel_key("*", 0).removesuffix(":0")),
    ),
}


def broker_configuration(passwords: Mapping[BrokerUser, str]) -> str:
    """Return the lines of a ``redis.conf`` that create the users and disable the default user.

    Args:
        passwords: The password of each user.
    """
    default_user = "user default off resetkeys resetchannels -@all\n"
    return default_user + "".join(_line(user, passwords[user]) for user in BROKER_USERS)


def _line(user: BrokerUser, password: str) -> str:
    commands, keys = _RULES[user]
    digest = hashlib.sha256(password.encode()).hexdigest()
    patterns = " ".join(f"~{key}" for key in keys)
    return f"user {user} on #{digest} resetchannels resetkeys {patterns} {commands}".rstrip() + "\n"

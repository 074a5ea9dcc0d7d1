"""What a statement is about, as short keys: the agents, verb, activities and registration that a filter can ask for.

A key is one letter for the kind and the first 7 bytes of the value's SHA-256; the archive indexes them. The migration
`0003_add_relations` makes the same keys of older rows. Of ten million values one has a given key once in 2^33 times.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import UNSET, DecodeError, json

from lrs.kernel.statements.agents import agent_key
from lrs.kernel.statements.shapes import Activities, Activity, Agent, Context, Context2, Group, Party

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY_BYTES = 8
_MOST_KNOWN = 65_536


class Kind:
    """Where in a statement a value stands. The letter is part of the key, and so of every archive."""

    AGENT: Final = b"a"
    """Actor or object, or a member of a Group that is (xAPI 1.0.3 Communication 2.1.3, `agent`)."""
    RELATED_AGENT: Final = b"A"
    """Everywhere else that `related_agents` looks."""
    VERB: Final = b"v"
    ACTIVITY: Final = b"o"
    """The object."""
    RELATED_ACTIVITY: Final = b"O"
    """Everywhere else that `related_activities` looks."""
    REGISTRATION: Final = b"r"
    """The 16 bytes of the UUID."""
    APP: Final = b"@"
    """The app that stands for an authority which is made on reading: what came without one has it."""
    AUTHORITY: Final = b"u"
    """The whole JSON of an authority, as it is kept."""


class Condition(NamedTuple):
    """One filter: a statement meets it if it has any of `keys`. `narrow`: hardly a statement in a thousand does."""

    keys: tuple[bytes, ...]
    narrow: bool = False


@lru_cache(maxsize=_MOST_KNOWN)
def relation(kind: bytes, value: str | bytes) -> bytes:
    """The key of one value."""
    text = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return kind + sha256(text).digest()[: KEY_BYTES - 1]


def joined(keys: Iterable[bytes]) -> bytes:
    """Keys as one piece, each once: the form in which the parts of a statement carry them."""
    return b"".join(dict.fromkeys(keys))


def separate(keys: bytes) -> list[bytes]:
    """The keys of a piece."""
    return [keys[start : start + KEY_BYTES] for start in range(0, len(keys), KEY_BYTES)]


_FURTHER = {
    Kind.AGENT: Kind.RELATED_AGENT,
    Kind.RELATED_AGENT: Kind.RELATED_AGENT,
    Kind.ACTIVITY: Kind.RELATED_ACTIVITY,
    Kind.RELATED_ACTIVITY: Kind.RELATED_ACTIVITY,
}


def related(keys: bytes) -> bytes:
    """What of a SubStatement's keys the statement around it has: the agents and activities, as related ones."""
    return joined(_FURTHER[key[:1]] + key[1:] for key in separate(keys) if key[:1] in _FURTHER)


def plain_relations(actor_key: str, verb_id: str, activity_id: str, registration: bytes | None) -> bytes:
    """What is known of a statement by its plain properties alone."""
    keys = [relation(Kind.VERB, verb_id)]
    if actor_key:
        keys.append(relation(Kind.AGENT, actor_key))
    if activity_id:
        keys.append(relation(Kind.ACTIVITY, activity_id))
    if registration is not None:
        keys.append(of_uuid(registration))
    return joined(keys)


def of_uuid(registration: bytes) -> bytes:
    """The key of a registration. Hardly one comes twice in a batch, so it is not remembered."""
    return Kind.REGISTRATION + sha256(registration).digest()[: KEY_BYTES - 1]


def party_relations(party: Agent | Group | Party, kind: bytes) -> Iterator[bytes]:
    """An Agent's key; a Group's, if it has an identifier, and its members'."""
    return (relation(kind, key) for key in party_keys(party))


def party_keys(party: Agent | Group | Party) -> Iterator[str]:
    """What `party_relations` are made of; see `agent_key`."""
    key = agent_key(party)
    if key:
        yield key
    if not isinstance(party, Agent) and party.member is not UNSET:
        for member in party.member:
            yield agent_key(member)


def context_values(context: Context) -> Iterator[tuple[bytes, str]]:
    """Kind and value of instructor, team, contextAgents, contextGroups and context activities; not the registration."""
    parties: list[Agent | Group | Party] = [one for one in (context.instructor, context.team) if one is not UNSET]
    if isinstance(context, Context2):
        if context.contextAgents is not UNSET:
            parties += [one.agent for one in context.contextAgents]
        if context.contextGroups is not UNSET:
            parties += [one.group for one in context.contextGroups]
    for party in parties:
        for key in party_keys(party):
            yield Kind.RELATED_AGENT, key
    for activity in context_activities(context):
        yield Kind.RELATED_ACTIVITY, activity.id


def context_activities(context: Context) -> Iterator[Activity]:
    """The activities of parent, grouping, category and other."""
    given = context.contextActivities
    if given is not UNSET:
        for activities in (given.parent, given.grouping, given.category, given.other):
            yield from _listed(activities)


def _listed(activities: Activities) -> Iterable[Activity]:
    if isinstance(activities, Activity):
        return [activities]
    return activities if isinstance(activities, list) else ()


_party = json.Decoder(Party).decode


@lru_cache(maxsize=1024)
def authority_relations(authority: bytes | None, app: str) -> bytes:
    """The keys of an authority as it is kept; without one, that of the `app` which stands for it."""
    if not authority:
        return relation(Kind.APP, app)
    try:
        agents = party_relations(_party(authority), Kind.RELATED_AGENT)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        agents = iter((relation(Kind.APP, app),))
    return joined((authority_key(authority), *agents))


@lru_cache(maxsize=1024)
def authority_key(authority: bytes) -> bytes:
    """The key of the whole authority."""
    return Kind.AUTHORITY + sha256(authority).digest()[: KEY_BYTES - 1]


def about_agent(key: str, *, related: bool, app: str | None = None) -> Condition:
    """Statements of or about an agent, see `agent_key`. `app`: whose authority the agent is, if it is one."""
    keys = [relation(Kind.AGENT, key)]
    if related:
        keys.append(relation(Kind.RELATED_AGENT, key))
        if app is not None:
            keys.append(relation(Kind.APP, app))
    return Condition(tuple(keys), narrow=not related)


def with_verb(verb_id: str) -> Condition:
    """Statements with that verb."""
    return Condition((relation(Kind.VERB, verb_id),))


def about_activity(activity_id: str, *, related: bool) -> Condition:
    """Statements about an activity."""
    kinds = (Kind.ACTIVITY, Kind.RELATED_ACTIVITY) if related else (Kind.ACTIVITY,)
    return Condition(tuple(relation(kind, activity_id) for kind in kinds))


def of_registration(registration: bytes) -> Condition:
    """Statements of one registration, the 16 bytes of its UUID."""
    return Condition((of_uuid(registration),), narrow=True)

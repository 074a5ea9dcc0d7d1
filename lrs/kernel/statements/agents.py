"""Agents and Groups: exactly one identifier, of the right form (xAPI 1.0.3 Data 2.4.2), and the key made of it."""

from __future__ import annotations

from msgspec import UNSET

from lrs.kernel.statements.iris import comparable_mbox, is_iri, is_mbox, is_sha1
from lrs.kernel.statements.rules import broken
from lrs.kernel.statements.shapes import Account, Agent, Group, Party

_SEPARATOR = "\x1f"


def check_party(party: Party, path: str) -> None:
    """Raise `RefusedError` unless `party` is a well-formed Agent or Group."""
    if party.objectType == "Group":
        check_group(party, path)
    elif party.member is not UNSET:
        raise broken(f"{path}.member", "only a Group has members, and a Group says so in objectType", "Data 2.4.2.2")
    else:
        check_agent(party, path)


def check_agent(agent: Agent | Party, path: str) -> None:
    """Raise `RefusedError` unless `agent` has exactly one identifier."""
    if _identifiers(agent, path) != 1:
        raise broken(path, "an Agent has exactly one of mbox, mbox_sha1sum, openid and account", "Data 2.4.2.1")


def check_group(group: Group | Party, path: str) -> None:
    """Raise `RefusedError` unless `group` has one identifier, or none and members."""
    count = _identifiers(group, path)
    if count > 1:
        raise broken(path, "a Group has at most one of mbox, mbox_sha1sum, openid and account", "Data 2.4.2.2")
    if group.member is UNSET:
        if not count:
            raise broken(f"{path}.member", "a Group without an identifier lists its members", "Data 2.4.2.2")
        return
    for index, member in enumerate(group.member):
        check_agent(member, f"{path}.member[{index}]")


def check_authority(authority: Party, path: str) -> None:
    """Raise `RefusedError` unless it is an Agent, or the two Agents of three-legged OAuth (Data 2.4.9)."""
    check_party(authority, path)
    if authority.objectType == "Group":
        if _identifiers(authority, path):
            raise broken(path, "an authority that is a Group has no identifier of its own", "Data 2.4.9")
        if authority.member is UNSET or len(authority.member) != 2:
            raise broken(f"{path}.member", "an authority that is a Group has exactly two members", "Data 2.4.9")


def agent_key(agent: Agent | Group | Party) -> str:
    """The identifier in canonical form: its kind and value joined by U+001F; empty for an anonymous Group."""
    if agent.account is not UNSET:
        return f"account{_SEPARATOR}{agent.account.homePage}{_SEPARATOR}{agent.account.name}"
    if agent.mbox is not UNSET:
        return f"mbox{_SEPARATOR}{comparable_mbox(agent.mbox)}"
    if agent.mbox_sha1sum is not UNSET:
        return f"mbox_sha1sum{_SEPARATOR}{agent.mbox_sha1sum.lower()}"
    if agent.openid is not UNSET:
        return f"openid{_SEPARATOR}{agent.openid}"
    return ""


def _identifiers(agent: Agent | Group | Party, path: str) -> int:
    """How many identifiers there are; raises `RefusedError` for one of the wrong form."""
    count = 0
    if agent.account is not UNSET:
        _check_account(agent.account, path)
        count += 1
    if agent.mbox is not UNSET:
        if not is_mbox(agent.mbox):
            raise broken(f"{path}.mbox", "mbox is mailto: and one e-mail address", "Data 2.4.2.3")
        count += 1
    if agent.mbox_sha1sum is not UNSET:
        if not is_sha1(agent.mbox_sha1sum):
            raise broken(
                f"{path}.mbox_sha1sum", "mbox_sha1sum is a SHA-1 hash of 40 hexadecimal digits", "Data 2.4.2.3"
            )
        count += 1
    if agent.openid is not UNSET:
        if not is_iri(agent.openid):
            raise broken(f"{path}.openid", "openid is a URI with a scheme", "Data 2.4.2.3")
        count += 1
    return count


def _check_account(account: Account, path: str) -> None:
    if not is_iri(account.homePage):
        raise broken(f"{path}.account.homePage", "homePage is an IRL with a scheme", "Data 2.4.2.4")

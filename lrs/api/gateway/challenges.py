"""The 401 and 403 that say how to authenticate, and what was wrong with a token (RFC 7617, RFC 6750 section 3)."""

from __future__ import annotations

from lrs.api.gateway.answers import HttpError

_BASIC = b'Basic realm="ayumi", charset="UTF-8"'
_BEARER = b'Bearer realm="ayumi"'


def challenge(rule: str, *, tokens: bool) -> HttpError:
    """A 401 for a request without a usable credential. `tokens`: whether an issuer's tokens are taken here too."""
    values = (_BASIC, _BEARER) if tokens else (_BASIC,)
    headers = tuple((b"www-authenticate", value) for value in values)
    return HttpError(401, "unauthorized", rule, path="Authorization", headers=headers)


def invalid_token(rule: str) -> HttpError:
    """A 401 for a token that is malformed, not valid now, or not for this record store. `rule` repeats none of it."""
    header = _bearer("invalid_token", rule)
    return HttpError(401, "invalid_token", rule, path="Authorization", headers=(header,))


def insufficient_scope(rule: str, scope: str | None) -> HttpError:
    """A 403: the credential may not do this. `scope`: the word that a token needs; None for an app's own credential."""
    headers = () if scope is None else (_bearer("insufficient_scope", rule, scope=scope),)
    return HttpError(403, "insufficient_scope", rule, path="Authorization", headers=headers)


def _bearer(error: str, description: str, **more: str) -> tuple[bytes, bytes]:
    parameters = {"error": error, "error_description": description, **more}
    text = ", ".join(f'{name}="{_quotable(value)}"' for name, value in parameters.items())
    return b"www-authenticate", _BEARER + b", " + text.encode("ascii")


def _quotable(text: str) -> str:
    """The characters that RFC 6750 allows in these parameters: printable ASCII without quote and backslash."""
    return "".join(one if " " <= one <= "~" and one not in '"\\' else "'" for one in text)

"""One bad request of each kind, from the seed's own random numbers; most are bad, some turn out to be good."""

from __future__ import annotations

import base64
import json
import random
import re
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import cramjam

from tests.bench.http_load import drill_statement
from tests.conformance import parcels
from tests.conformance.statements import VOIDED, changed, complete, inside, statement
from tests.support.fuzzing.json_mutations import broken_text, mutated, text_of
from tests.support.fuzzing.tables import BAD, BAD_HEADERS, GOOD, MIXED, NOISE, ODD_HEADS, TAGS

STATEMENTS = "/xAPI/statements"
STATE, ACTIVITY_PROFILE, AGENT_PROFILE = "/xAPI/activities/state", "/xAPI/activities/profile", "/xAPI/agents/profile"
_JSON = "application/json"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_FILE = b"a file of eleven lines\r\n" * 11


class Request(NamedTuple):
    """What is sent. `raw`, where it is set, in place of everything else: it need not be HTTP."""

    kind: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    raw: bytes = b""

    def written(self) -> bytes:
        """The bytes on the wire."""
        if self.raw:
            return self.raw
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers)]
        if self.method != "GET" or self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join((*lines, "", "")).encode("latin-1", "replace") + self.body


class Maker:
    """Makes requests of an app with `auth`; the same for the same seed."""

    def __init__(self, seed: int, auth: tuple[str, str]) -> None:
        self._rng = random.Random(seed)
        self._basic = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        group = {"objectType": "Group", "member": [{"mbox": "mailto:a@example.jp"}]}
        agents = [
            {"objectType": "contextAgent", "agent": {"mbox": "mailto:b@example.jp"}, "relevantTypes": ["urn:x:y"]}
        ]
        bases = [
            statement(),
            complete(),
            complete(),
            inside(complete()),
            drill_statement(self._rng),
            statement(verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": str(uuid.UUID(int=1))}),
            changed(complete(), "context.contextAgents", agents),
            changed(complete(), "context.contextGroups", [{"objectType": "contextGroup", "group": group}]),
            statement(authority={"objectType": "Group", "member": [{"mbox": "mailto:a@x.jp"}, {"openid": "urn:b:c"}]}),
        ]
        self._bases = [json.dumps(one) for one in bases]

    def __call__(self) -> Request:
        """The next one."""
        kind, make = self._rng.choices(_KINDS, weights=_WEIGHTS)[0]
        return make(self, kind)

    def _base(self) -> dict[str, Any]:
        """A good statement. Its ids are new, and the seed's own."""
        made: dict[str, Any] = json.loads(_UUID.sub(lambda _: self._uuid(), self._rng.choice(self._bases)))
        return made

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def _headers(self, content_type: str = "", **more: str) -> tuple[tuple[str, str], ...]:
        headers = {
            "Host": "lrs",
            "Authorization": self._basic,
            "X-Experience-API-Version": self._rng.choice(("1.0.3", "2.0.0")),
        }
        if content_type:
            headers["Content-Type"] = content_type
        return tuple((headers | {name.replace("_", "-"): value for name, value in more.items()}).items())

    def _post(self, kind: str, body: bytes, content_type: str = _JSON, **more: str) -> Request:
        if self._rng.random() < 0.15:
            target = f"{STATEMENTS}?statementId={self._uuid()}"
            return Request(kind, "PUT", target, self._headers(content_type, **more), body)
        return Request(kind, "POST", STATEMENTS, self._headers(content_type, **more), body)

    def statement(self, kind: str) -> Request:
        """A statement with changes anywhere."""
        return self._post(kind, text_of(mutated(self._rng, self._base())))

    def batch(self, kind: str) -> Request:
        """One bad statement among good ones, or an array that is none of statements."""
        rng = self._rng
        batch = [self._base() for _ in range(rng.randrange(1, 6))]
        batch[rng.randrange(len(batch))] = mutated(rng, self._base())
        return self._post(kind, text_of(mutated(rng, batch) if rng.random() < 0.3 else batch))

    def text(self, kind: str) -> Request:
        """The text of a statement, broken; sometimes compressed, and the compressed bytes broken."""
        rng = self._rng
        body = broken_text(rng, text_of(self._base()))
        coding = rng.choice(("", "", "", "gzip", "br", "zstd", "deflate", "gzip, br", "x"))
        if not coding:
            return self._post(kind, body)
        packed = {"gzip": cramjam.gzip, "br": cramjam.brotli, "zstd": cramjam.zstd}.get(coding)
        body = body if packed is None else bytes(packed.compress(body))
        return self._post(kind, broken_text(rng, body), Content_Encoding=coding)

    def parameters(self, kind: str) -> Request:
        """A read of statements, activities or agents with parameters that do not go."""
        rng = self._rng
        path = rng.choice((STATEMENTS, STATEMENTS, STATEMENTS, "/xAPI/activities", "/xAPI/agents", "/xAPI/"))
        query = self._query(GOOD if path == STATEMENTS else {name: GOOD[name] for name in ("agent", "activityId")})
        return Request(kind, rng.choice(("GET", "GET", "HEAD")), f"{path}?{query}", self._headers())

    def _query(self, good: dict[str, tuple[str, ...]], needed: tuple[str, ...] = ()) -> str:
        """Some parameters, with one thing wrong."""
        rng = self._rng
        names = [*needed, *rng.sample(sorted(good), rng.randrange(1, min(5, len(good) + 1)))]
        pairs = [(name, rng.choice(good[name])) for name in dict.fromkeys(names)]
        at = rng.randrange(len(pairs))
        name, value = pairs[at]
        choice = rng.randrange(9)
        if choice == 0:
            pairs[at] = (rng.choice((name.upper(), f"{name}s", "nonsense", "", "method", "a" * 5000)), value)
        elif choice == 1:
            pairs.append((name, value))
        elif choice == 2:
            pairs += [("x", "1")] * 60
        elif choice == 3 and value.startswith("{"):
            pairs[at] = (name, text_of(mutated(rng, json.loads(value))).decode())
        elif choice == 4:
            pairs[at] = (name, broken_text(rng, value.encode()).decode("latin-1"))
        elif choice == 5:
            return urlencode(pairs) + rng.choice(("%zz", "%ff", "&%c3%28=1", "&&&;", "=", "%00", "%u3042", "#x"))
        elif choice == 6:
            del pairs[at]
        else:
            pairs[at] = (name, rng.choice(BAD))
        return urlencode(pairs, quote_via=rng.choice(_QUOTES))

    def headers(self, kind: str) -> Request:
        """A good request but for a header."""
        rng = self._rng
        method = rng.choice(("GET", "POST", "PUT"))
        target = STATE + "?" + urlencode({name: GOOD[name][0] for name in ("activityId", "agent", "stateId")})
        if method == "POST":
            target = STATEMENTS
        name, values = rng.choice(BAD_HEADERS)
        headers = dict(self._headers(_JSON)) | {name: rng.choice(values)}
        return Request(kind, method, target, tuple(headers.items()), text_of(self._base()) if method != "GET" else b"")

    def multipart(self, kind: str) -> Request:
        """Statements with a file, with something wrong in a part, among the parts, or in the text of it all."""
        rng = self._rng
        whole = {**self._base(), "attachments": [parcels.declaration(_FILE)]}
        parts = [parcels.statements_part(whole), parcels.file_part(_FILE)]
        choice = rng.randrange(7)
        if choice == 0:
            parts[0] = parcels.statements_part(mutated(rng, whole))
        elif choice == 1:
            at = rng.randrange(2)
            name = rng.choice(list(parts[at].headers))
            odd = rng.choice(("", "base64", "text/plain", "0" * 64, "a\x00b", "x" * 9000, parcels.sha2(b"other")))
            parts[at] = rng.choice((parts[at].without(name), parts[at].having(name, odd)))
        elif choice == 2:
            parts = rng.choice((parts[::-1], parts[:1], parts[1:], parts * 2, parts * 600, [*parts, parts[1]], []))
        elif choice == 3:
            parts[1] = parts[1]._replace(content=broken_text(rng, _FILE))
        body = parcels.written(*parts)
        kinds = (parcels.MIXED["Content-Type"],) * 4 if choice < 5 else MIXED
        return self._post(kind, broken_text(rng, body) if choice > 4 else body, rng.choice(kinds))

    def documents(self, kind: str) -> Request:
        """A document resource with parameters, preconditions, types or bodies that do not go."""
        rng = self._rng
        path = rng.choice((STATE, ACTIVITY_PROFILE, AGENT_PROFILE))
        names = {STATE: ("activityId", "agent"), ACTIVITY_PROFILE: ("activityId",), AGENT_PROFILE: ("agent",)}[path]
        one = "stateId" if path == STATE else "profileId"
        method = rng.choice(("GET", "PUT", "POST", "POST", "DELETE", "HEAD", "PATCH"))
        good = {name: GOOD[name] for name in (*names, one, "registration", "since")}
        query = self._query(good, names) if rng.random() < 0.5 else urlencode([(n, GOOD[n][0]) for n in (*names, one)])
        more = {"If_Match": rng.choice(TAGS)} if rng.random() < 0.3 else {}
        body = broken_text(rng, b'{"a": {"b": [1, 2]}, "c": null}') if method in {"PUT", "POST"} else b""
        content_type = rng.choice((_JSON, _JSON, "text/plain", "", "\x01", "é" * 300))
        return Request(kind, method, f"{path}?{query}", self._headers(content_type, **more), body)

    def form(self, kind: str) -> Request:
        """The alternate request syntax with a form that stands for nothing."""
        rng = self._rng
        fields = {
            "X-Experience-API-Version": rng.choice(("1.0.3", "2.0.0", "x", "")),
            "Authorization": self._basic,
            "Content-Type": rng.choice((_JSON, "text/plain", "")),
            "content": text_of(mutated(rng, self._base())).decode(),
            **({"statementId": self._uuid()} if rng.random() < 0.5 else {rng.choice(BAD)[:50] or "x": "1"}),
        }
        fields.pop(rng.choice(list(fields)))
        body = urlencode(fields).encode()
        target = STATEMENTS + rng.choice(("?method=PUT", "?method=GET", "?method=POST", "?method=", "?method=PUT&a=b"))
        content_type = rng.choice(("application/x-www-form-urlencoded", _JSON, "", "text/plain"))
        headers = [("Host", "lrs"), *([("Content-Type", content_type)] if content_type else [])]
        return Request(kind, "POST", target, tuple(headers), broken_text(rng, body) if rng.random() < 0.5 else body)

    def raw(self, kind: str) -> Request:
        """A good request with its bytes broken, head and all, or what is no HTTP at all."""
        rng = self._rng
        whole = self._post(kind, text_of(self._base())).written()
        head, _, body = whole.partition(b"\r\n\r\n")
        odd = rng.choice(ODD_HEADS)
        choice = rng.randrange(3)
        sent = broken_text(rng, whole) if choice == 0 else head + b"\r\n" + odd + b"\r\n\r\n" + body
        return Request(kind, "POST", STATEMENTS, (), b"", rng.choice(NOISE) if choice == 2 else sent)


def _raw(text: str, *_: object) -> str:
    """A parameter as careless clients write it."""
    return re.sub(r"[\x00-\x20#]", "", text)


_QUOTES: tuple[Any, ...] = (quote, _raw)
_Make = Callable[[Maker, str], Request]
_ALL: dict[str, tuple[_Make, int]] = {
    "statement": (Maker.statement, 40),
    "batch": (Maker.batch, 10),
    "text": (Maker.text, 12),
    "parameters": (Maker.parameters, 10),
    "headers": (Maker.headers, 8),
    "multipart": (Maker.multipart, 8),
    "documents": (Maker.documents, 8),
    "form": (Maker.form, 4),
    "raw": (Maker.raw, 3),
}
_KINDS = [(kind, make) for kind, (make, _) in _ALL.items()]
_WEIGHTS = [weight for _, weight in _ALL.values()]

"""What goes into generated requests: good parameters, bad ones, bad headers, odd heads, noise that is no HTTP."""

from __future__ import annotations

import json
import uuid

_AGENT = json.dumps({"account": {"homePage": "https://board.example.jp", "name": "u1"}})
GOOD: dict[str, tuple[str, ...]] = {
    "statementId": (str(uuid.UUID(int=5, version=4)),),
    "voidedStatementId": (str(uuid.UUID(int=6, version=4)),),
    "agent": (_AGENT, '{"mbox":"mailto:a@example.jp"}'),
    "verb": ("http://adlnet.gov/expapi/verbs/answered",),
    "activity": ("https://drill.example.jp/items/1",),
    "activityId": ("https://drill.example.jp/items/1",),
    "registration": (str(uuid.UUID(int=7, version=4)),),
    "related_activities": ("true", "false"),
    "related_agents": ("true",),
    "since": ("2026-04-08T09:00:00Z",),
    "until": ("2026-04-08T09:00:00Z",),
    "limit": ("0", "10"),
    "format": ("exact", "ids", "canonical"),
    "attachments": ("true",),
    "ascending": ("true",),
    "cursor": ("AAAA", "x" * 2000),
    "stateId": ("page",),
    "profileId": ("settings",),
}
BAD = (
    *(
        "",
        " ",
        "x",
        "-1",
        "1.5",
        "99999999999999999999",
        "TRUE",
        "null",
        "[]",
        "{}",
        "{",
        "\x00",
        "é",
        "\ud7ff",
        "あ" * 999,
    ),
    *("2026-13-01", "2026-04-08T09:00:00-00:00", "now", "http://", "no iri", "0" * 36, "a" * 70_000, '{"mbox":1}'),
    *('{"objectType":"Group","member":[]}', '{"account":{"name":"a"}}', "../..", "%", "&", "="),
)
BAD_HEADERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("X-Experience-API-Version", ("", "1", "0.95", "1.0.x", "3.0.0", "1.0.3, 2.0.0", "é", "1.0." + "9" * 50)),
    ("Authorization", ("", "Basic", "Basic !!!", "Basic YQ==", "Bearer x", "Digest a", "Basic " + "A" * 8000, "é")),
    ("Content-Type", ("", "text/plain", "application/xml", "é", "application/json" * 50, "multipart/mixed", ";;;")),
    ("Content-Encoding", ("gzip", "br", "zstd", "deflate", "é", "gzip, gzip", "x" * 1000)),
    ("If-Match", ("x", '"a', "", '""', ",", "é", '"a"' * 500)),
    ("If-None-Match", ("x", '"a', ",", "é")),
    ("Expect", ("100-continue", "x")),
    ("Accept-Language", ("é", "," * 500, "*;q=x", "-", "ja;q=99")),
    ("Accept-Encoding", ("é", "," * 500, "gzip;q=x", "*;q=0")),
    ("Origin", ("é", "null", "http://" + "a" * 5000)),
    ("Host", ("", "é", "a b")),
)
TAGS = ("*", '"x"', "x", '"', '"a", b', ",", "W/", '"' + "0" * 40 + '"')
MIXED = (
    *("multipart/mixed", "multipart/mixed; boundary=", 'multipart/mixed; boundary="', "multipart/mixed; boundary=x y"),
    *(
        "multipart/mixed; boundary=" + "a" * 71,
        "multipart/form-data; boundary=between-the-parts",
        "multipart/;boundary=a",
    ),
)
ODD_HEADS = (
    *(
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: x",
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: 1e3",
    ),
    *(b"A" * 300, b"A: b\r\n c", b": x", b"A\x00: b", b"A: \x00", b"A : b", b"Connection: close, keep-alive"),
    *(
        b"\r\n".join(b"X-%d: y" % number for number in range(150)),
        b"X: " + b"y" * 70_000,
        b"Upgrade: websocket\r\nConnection: Upgrade",
    ),
)
NOISE = (
    *(
        b"\x00" * 64,
        b"\x16\x03\x01\x02\x00\x01",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ),
    *(
        b"GET /%ff%00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
    ),
    *(
        b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT lrs:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    *(
        b"POST /xAPI/statements HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    *(
        b"GET /" + b"a" * 80_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /xAPI/statements HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ),
)

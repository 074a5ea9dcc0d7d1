"""`multipart/mixed` as the tests write it, and read it by other means than the record store: Python's mail parser."""

from __future__ import annotations

import hashlib
import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, NamedTuple

import httpx

BOUNDARY = "between-the-parts"
MIXED = {"Content-Type": f"multipart/mixed; boundary={BOUNDARY}"}


class Part(NamedTuple):
    """One part: its header lines in order, and its content."""

    headers: dict[str, str]
    content: bytes

    def without(self, name: str) -> Part:
        """The part without one of its headers."""
        return self._replace(headers={key: value for key, value in self.headers.items() if key != name})

    def having(self, name: str, value: str) -> Part:
        """The part with another value of one of its headers."""
        return self._replace(headers={**self.headers, name: value})


def sha2(content: bytes) -> str:
    """What an attachment declares of its content."""
    return hashlib.sha256(content).hexdigest()


def declaration(content: bytes, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
    """What a statement says of a file."""
    return {
        "usageType": "http://id.example.jp/attachments/work",
        "display": {"en": "work"},
        "contentType": "text/plain; charset=utf-8",
        "length": len(content),
        "sha2": sha2(content),
        **changes,
    }


def statements_part(statements: object) -> Part:
    """The first part."""
    return Part({"Content-Type": "application/json"}, json.dumps(statements).encode())


def file_part(content: bytes) -> Part:
    """The part of a file."""
    headers = {
        "Content-Type": "text/plain",
        "Content-Transfer-Encoding": "binary",
        "X-Experience-API-Hash": sha2(content),
    }
    return Part(headers, content)


def written(*parts: Part, colon: str = ": ", before: bytes = b"", last: bytes = b"--\r\n") -> bytes:
    """A body of parts."""
    body = before
    for part in parts:
        head = "".join(f"{name}{colon}{value}\r\n" for name, value in part.headers.items())
        body += f"--{BOUNDARY}\r\n{head}\r\n".encode() + part.content + b"\r\n"
    return body + f"--{BOUNDARY}".encode() + last


def read(answer: httpx.Response) -> list[Part]:
    """The parts of an answer."""
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + answer.content)
    assert message.is_multipart()
    parts = list(message.iter_parts())
    return [Part(dict(part.items()), part.get_payload(decode=True)) for part in parts]  # type: ignore[arg-type]

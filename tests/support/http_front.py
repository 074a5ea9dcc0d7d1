"""An HTTP front of an embedded engine: the test double of a ClickHouse server, for the ordinary HTTP client.

It speaks as much of the protocol as clickhouse-connect 1.12 uses. One embedded handle a request, because a handle that
failed or became readonly must not be used again. Run it as a program: it prints its port and serves until it is killed.
"""

from __future__ import annotations

import email.parser
import email.policy
import re
import sys
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame  # type: ignore[import-untyped]

# Of the transport, not of the engine.
_NOT_SETTINGS = frozenset(
    {
        "buffer_size",
        "cancel_http_readonly_queries_on_client_close",
        "client_protocol_version",
        "compress",
        "database",
        "decompress",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "query",
        "query_id",
        "send_progress_in_http_headers",
        "session_id",
        "wait_end_of_query",
    }
)
_INSERT = re.compile(rb"\s*(INSERT\s+INTO\s.+?)\s+FORMAT\s+(\w+)\s*\Z", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"Code: (\d+)\.")
# How clients send their inserts: ours as they are, clickhouse-connect 0.7 (Ralph's) packed with lz4.
_DECODERS: dict[str, Callable[[bytes], bytes]] = {"identity": bytes, "lz4": lz4.frame.decompress}


class Front(ThreadingHTTPServer):
    """Serves one engine folder on a port of loopback, 0: a free one."""

    daemon_threads = True

    def __init__(self, folder: str, port: int = 0, *, max_memory_mb: int = 1500) -> None:
        self.source = f"{folder}?max_server_memory_usage={max_memory_mb << 20}"
        self.anchor = chdb.connect(self.source)
        self.drop_after_insert = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's signature
        """That a client was killed, as tests do, is no error of the server's."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Front

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the library's signature
        """Nothing: tests read what they ask for."""

    def do_GET(self) -> None:
        self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        target = urlsplit(self.path)
        body = self._body()
        if target.path == "/drop-after-insert":
            self.server.drop_after_insert.set()
            self._answer(200, b"")
            return
        given = dict(parse_qsl(target.query, keep_blank_values=True))
        if self.headers.get_content_type() == "multipart/form-data":
            given |= _form(self.headers["Content-Type"], body)
            body = b""
        sql = given.get("query", "").encode()
        sql, data = (sql, body) if sql else _divided(body)
        try:
            content, written = self._run(sql, data, given)
        except Exception as error:  # noqa: BLE001 - every failure of the engine becomes an answer
            code = _CODE.search(str(error))
            message = str(error)[code.start() if code else 0 :]
            self._answer(500, message.encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "0"})
            return
        if written is not None and self.server.drop_after_insert.is_set():
            self.server.drop_after_insert.clear()
            self.close_connection = True
            return
        self._answer(200, content, {"X-ClickHouse-Summary": f'{{"written_rows":"{written or 0}"}}'})

    def _run(self, sql: bytes, data: bytes, given: dict[str, str]) -> tuple[bytes, int | None]:
        connection = chdb.connect(self.server.source)
        try:
            if given.get("database"):
                connection.query(f"USE `{given['database']}`", "TabSeparated")
            settings = {k: v for k, v in given.items() if k not in _NOT_SETTINGS and not k.startswith("param_")}
            for name in sorted(settings, key=lambda name: name == "readonly"):
                value = settings[name].replace("\\", "\\\\").replace("'", "\\'")
                connection.query(f"SET {name} = '{value}'", "TabSeparated")
            insert = _INSERT.fullmatch(sql)
            if insert:
                # Through a file: the engine's streaming insert acknowledges rows that it then refuses.
                with tempfile.NamedTemporaryFile() as rows:
                    rows.write(data)
                    rows.flush()
                    load = f"{insert[1].decode()} FROM INFILE '{rows.name}' FORMAT {insert[2].decode()}"
                    return b"", int(connection.query(load, "TabSeparated").rows_read())
            params = {name.removeprefix("param_"): value for name, value in given.items() if name.startswith("param_")}
            return connection.query(sql.decode(), "TabSeparated", params=params).bytes() or b"", None
        finally:
            connection.close()

    def _body(self) -> bytes:
        content, encoding = self._content(), self.headers.get("Content-Encoding", "identity")
        return _DECODERS[encoding](content)

    def _content(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _divided(body: bytes) -> tuple[bytes, bytes]:
    """Statement and data of a body; an insert's statement is its first line."""
    line, _, rest = body.partition(b"\n")
    return (line, rest) if _INSERT.fullmatch(line) else (body, b"")


def _form(content_type: str, body: bytes) -> dict[str, str]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            fields[str(part.get_param("name", header="Content-Disposition"))] = payload.decode()
    return fields


def main() -> None:
    """Serve the engine folder that the first argument names, on the port that the second may name."""
    front = Front(sys.argv[1], *map(int, sys.argv[2:3]))
    print(front.server_address[1], flush=True)  # noqa: T201 - how the test learns the port
    front.serve_forever()


if __name__ == "__main__":
    main()

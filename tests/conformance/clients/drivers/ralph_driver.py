"""Ralph's client, driven line by line: `python ralph_driver.py ENDPOINT KEY SECRET VERSION`.

It knows nothing but statements, and finds them by filters only.
"""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

from lines import RefusedError, serve  # type: ignore[import-not-found]  # beside this file
from ralph.backends.data.lrs import (  # type: ignore[import-not-found]  # in an environment of its own
    LRSDataBackend,
    LRSDataBackendSettings,
    LRSHeaders,
)
from ralph.backends.lrs.base import LRSStatementsQuery  # type: ignore[import-not-found]
from ralph.exceptions import BackendException  # type: ignore[import-not-found]

endpoint, key, secret, version = sys.argv[1:]
headers = LRSHeaders(**{"X-Experience-API-Version": version})
url = urlsplit(endpoint)
settings = LRSDataBackendSettings(
    BASE_URL=f"{url.scheme}://{url.netloc}", USERNAME=key, PASSWORD=secret, HEADERS=headers
)
backend = LRSDataBackend(settings)


def write(statements: list[dict[str, Any]]) -> list[str]:
    try:
        backend.write(statements)
    except BackendException as error:
        raise refused(error) from error
    return [one["id"] for one in statements]


def page(activity: str, limit: int) -> list[str]:
    try:
        return [one["id"] for one in backend.read(LRSStatementsQuery(activity=activity), chunk_size=limit)]
    except BackendException as error:
        raise refused(error) from error


def refused(error: Exception) -> RefusedError:
    answer = getattr(error.__cause__, "response", None)
    return RefusedError(getattr(answer, "status_code", None), str(error))


serve({"write": write, "page": page})

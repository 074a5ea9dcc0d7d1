"""Asks whoever owns an embedded store for its share of a backup: the running process, or one made for the purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrs.kernel.errors import RetryError, StopError
from lrs.store.backup_frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder

_OWNERS = {"archive": "gateway", "facts": "board"}
_ANSWER_SECONDS = 120.0


class Asking:
    """The owners of one zone's stores."""

    def __init__(self, folder: ZoneFolder, settings: Settings, addresses: Mapping[str, str] | None) -> None:
        """`addresses`: URLs of `gateway` and `board`; None when nothing runs, and nothing may begin to meanwhile."""
        self._folder = folder
        self._settings = settings
        self._addresses = addresses

    def freeze(self, store: str) -> Frozen:
        """The store as of now. Raises `StopError`, `RetryError`."""
        if self._addresses is None:
            from lrs.cli.store_task import run_task  # noqa: PLC0415 - only for a zone that does not run

            return Frozen.from_json(run_task(f"freeze-{store}", self._folder, self._settings))
        return Frozen.from_json(self._post(_OWNERS[store], f"/operator/{store}/freeze", self._addresses))

    def _post(self, part: str, path: str, addresses: Mapping[str, str]) -> dict[str, Any]:
        import httpx  # noqa: PLC0415 - only for a zone that runs

        try:
            token = self._folder.operator_token.read_text("ascii").strip()
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(timeout=_ANSWER_SECONDS, trust_env=False) as client:
                answer = client.post(addresses[part] + path, headers=headers)
        except OSError as error:
            problem = f"the operator's token cannot be read: {error.strerror or error}"
            raise StopError(problem, remedy="It is keys/operator.token in the zone's folder.") from error
        except httpx.HTTPError as error:
            raise RetryError(f"the {part}", str(error) or type(error).__name__) from error
        if answer.status_code != 200:
            raise RetryError(f"the {part}", f"{path} answered {answer.status_code}")
        content: dict[str, Any] = answer.json()
        return content

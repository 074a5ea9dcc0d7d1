"""The registry: who may send, and the documents. SQLite in the zone folder, or PostgreSQL. Holds no statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrs.store.registry import migrations
from lrs.store.registry.changes import watch
from lrs.store.registry.credentials import Credential, Credentials
from lrs.store.registry.database import open_database, reachable
from lrs.store.registry.documents import Documents
from lrs.store.registry.quotas import Quota

if TYPE_CHECKING:
    import sqlalchemy as sa

    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder

__all__ = ["Credential", "Credentials", "Quota", "Registry", "open_registry"]


class Registry:
    """One open registry, migrated. Thread-safe; one a process is enough."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use `Registry.open`."""
        self._engine = engine
        self._changes = watch(engine)
        self.credentials = Credentials(engine, self._changes)
        self.documents = Documents(engine)

    @classmethod
    def open(cls, url: str) -> Registry:
        """Open `sqlite:///…` or `postgresql+psycopg://…` and migrate it.

        Raises `StopError` for another URL or a database of a later release, `RetryError` when it cannot be reached.
        """
        engine = open_database(url)
        with reachable():
            migrations.migrate(engine)
            return cls(engine)

    def migrate(self) -> list[str]:
        """Apply the migrations that are missing; returns their names. `open` has done so: normally none."""
        with reachable():
            return migrations.migrate(self._engine)

    def close(self) -> None:
        """Let go of every connection."""
        self._changes.close()
        self._engine.dispose()


def open_registry(settings: Settings, folder: ZoneFolder) -> Registry:
    """The registry that the settings name; without a URL the one in the zone folder."""
    return Registry.open(settings.registry.url.get_secret_value() or f"sqlite:///{folder.registry}")

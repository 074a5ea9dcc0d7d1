"""The folder of one zone: where every part finds its own data. Only names and permissions; no part's content."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ZoneFolder:
    """Paths below `root`; made by `prepare`, which is idempotent. Secrets are files that only their owner reads."""

    root: Path

    @property
    def broker(self) -> Path:
        """The broker's log directories."""
        return self.root / "broker"

    @property
    def archive(self) -> Path:
        """The embedded archive engine's data."""
        return self.root / "archive"

    @property
    def facts(self) -> Path:
        """The embedded facts engine's data."""
        return self.root / "facts"

    @property
    def ids(self) -> Path:
        """The recorder's id index."""
        return self.root / "ids"

    @property
    def objects(self) -> Path:
        """The attachments' bytes."""
        return self.root / "objects"

    @property
    def registry(self) -> Path:
        """The embedded registry."""
        return self.root / "registry.sqlite"

    @property
    def root_key(self) -> Path:
        """The zone's root key, 32 bytes as hex. Everything pseudonymous hangs on it; back it up apart from the data."""
        return self.root / "keys" / "root.key"

    @property
    def operator_token(self) -> Path:
        """Bearer token of the operator's own endpoints."""
        return self.root / "keys" / "operator.token"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """State of a running zone: addresses, process ids, lock. Empty when nothing runs."""
        return self.root / "run"

    @property
    def targets(self) -> Path:
        """Where Prometheus finds the processes' metrics. It stays when the zone stops, so that the zone is missed."""
        return self.root / "targets.json"

    @property
    def settings(self) -> Path:
        """The zone's settings file; optional."""
        return self.root / "ayumi.toml"

    def prepare(self) -> None:
        """Make the folders and, once, the secrets."""
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in (self.broker, self.archive, self.facts, self.ids, self.logs, self.run):
            folder.mkdir(exist_ok=True)
        self.root_key.parent.mkdir(mode=0o700, exist_ok=True)
        for secret in (self.root_key, self.operator_token):
            if not secret.exists():
                write_secret(secret, secrets.token_hex(32))


def write_secret(path: Path, text: str) -> None:
    """Write `text` to a file that only its owner may read, atomically."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text, "ascii")
    draft.replace(path)

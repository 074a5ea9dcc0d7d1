"""The registry's tables as SQLAlchemy sees them; the numbered migrations define them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

_METADATA = MetaData()

CREDENTIALS = Table(
    "credentials",
    _METADATA,
    Column("key", Text, primary_key=True),
    Column("app", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("revoked_at_ms", BigInteger),
)

CREDENTIAL_GENERATIONS = Table(
    "credential_generations",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("generation", BigInteger, nullable=False),
)

MIGRATIONS = Table(
    "migrations",
    _METADATA,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("applied_at_ms", BigInteger, nullable=False),
)

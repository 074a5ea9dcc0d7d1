"""The registry's tables as SQLAlchemy sees them; the numbered migrations define them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, MetaData, Table, Text

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

QUOTAS = Table(
    "quotas",
    _METADATA,
    Column("app", Text, primary_key=True),
    Column("statements_per_second", Double, nullable=False),
    Column("burst", BigInteger, nullable=False),
)

DOCUMENTS = Table(
    "documents",
    _METADATA,
    Column("context", LargeBinary, primary_key=True),
    Column("name", LargeBinary, primary_key=True),
    Column("app", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("activity_id", LargeBinary, nullable=False),
    Column("agent_key", LargeBinary, nullable=False),
    Column("registration", LargeBinary, nullable=False),
    Column("document_id", LargeBinary, nullable=False),
    Column("etag", Text, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

MIGRATIONS = Table(
    "migrations",
    _METADATA,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("applied_at_ms", BigInteger, nullable=False),
)

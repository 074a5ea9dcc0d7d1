"""When something that is in use runs out, as metrics: configured certificates and the school year's pseudonyms.

The issuer's keys tell theirs when they are fetched.
"""

from __future__ import annotations

import time
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from lrs.kernel import metrics
from lrs.kernel.school_year import school_year, start_ms

if TYPE_CHECKING:
    from pathlib import Path

    from lrs.kernel.settings import Settings


def expose_expiries(settings: Settings) -> None:
    """Set a gauge for every certificate file that the settings name, and one for the school year."""
    broker, oidc = settings.broker, settings.oidc
    files = (broker.ssl_ca_file, broker.ssl_certificate_file, oidc.ca_file)
    for what, path in zip(metrics.CERTIFICATES, files, strict=True):
        if path is not None:
            metrics.EXPIRY_SECONDS.labels(what).set_function(partial(certificates_end, path))
    metrics.EXPIRY_SECONDS.labels("school_year").set_function(_school_year_ends)


def certificates_end(path: Path) -> float:
    """Unix time at which the first certificate of a PEM file ends; 0 when the file has none that can be read.

    The first, also in a file of several authorities: which of them the other side needs is not known here.
    """
    try:
        status = path.stat()
        return _read_end(path, status.st_mtime_ns, status.st_size)
    except (OSError, ValueError):
        return 0.0


@lru_cache(8)
def _read_end(path: Path, _changed_ns: int, _size: int) -> float:
    """Parsed again only when the file changed. Raises `OSError` or `ValueError`."""
    from cryptography import x509  # noqa: PLC0415 - 40 ms that only a zone with certificates needs

    return min(
        certificate.not_valid_after_utc.timestamp()
        for certificate in x509.load_pem_x509_certificates(path.read_bytes())
    )


def _school_year_ends() -> float:
    """Pseudonyms hang on the school year: from this moment on, learners get new ones."""
    return start_ms(school_year(round(time.time() * 1000)) + 1) / 1000

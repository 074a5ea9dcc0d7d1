"""What the gateway serves, put together: stores and settings in, the route table out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lrs.api.gateway.activities import ActivityResource
from lrs.api.gateway.agents import AgentResource
from lrs.api.gateway.attachments import Attachments
from lrs.api.gateway.authorities import Authorities
from lrs.api.gateway.batches import Limits
from lrs.api.gateway.consistency import Consistency
from lrs.api.gateway.documents import DocumentResource
from lrs.api.gateway.id_authority import IdAuthority
from lrs.api.gateway.landing import Landing
from lrs.api.gateway.openapi import OpenApi
from lrs.api.gateway.quotas import Quotas
from lrs.api.gateway.reading import Reading
from lrs.api.gateway.routes import Routes, document_route, open_routes, read_route, statement_route
from lrs.api.gateway.storing import Storing
from lrs.api.gateway.writing import Writing
from lrs.store.agents import Agents
from lrs.store.objects import Objects
from lrs.store.registry.documents import DocumentKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrs.kernel.handover import Handover
    from lrs.kernel.progress import ArchiveProgress
    from lrs.kernel.publishing import EncodingPublisher
    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder
    from lrs.store.archive import Archive
    from lrs.store.ids import IdIndex
    from lrs.store.registry import Registry

_MIB = 1024 * 1024
_DOCUMENT_THREADS = 4


class Resources:
    """Every resource of one gateway; belongs to its event loop."""

    def __init__(  # noqa: PLR0913 - what a gateway stands on, all by name
        self,
        settings: Settings,
        folder: ZoneFolder,
        *,
        url: str,
        publisher: EncodingPublisher,
        archive: Archive,
        ids: IdIndex,
        progress: ArchiveProgress,
        registry: Registry,
        ready: Callable[[], None],
        taken: Callable[[int], None],
        handover: Handover | None,
    ) -> None:
        """`url` is where apps reach the interface; `ready` raises while statements cannot be taken.

        `taken` is told how many statements were put on the log.
        """
        limits = settings.gateway
        authorities = Authorities(url)
        store = settings.store
        objects = Objects(store.attachments_folder or folder.objects, min_free_mb=store.min_free_disk_mb)
        self._attachments = Attachments(objects)
        self._storing = Storing(
            publisher,
            IdAuthority(ids, progress),
            self._attachments,
            authorities,
            publish_seconds=limits.publish_seconds,
            max_bytes=limits.max_bodies_mb * _MIB,
            taken=taken,
            handover=handover,
        )
        self.consistency = Consistency(progress, self._storing.settled_ms)
        self._writing = Writing(
            self._storing,
            self._attachments,
            Quotas(registry.credentials.quota_of, default=limits.quota_statements_per_second),
            limits=Limits(limits.max_statements, limits.max_statement_kb * 1024),
            ready=ready,
        )
        self._reading = Reading(
            archive,
            publisher,
            progress,
            attachments=self._attachments,
            read_wait_seconds=limits.read_wait_seconds,
            threads=store.readers,
            prefix=urlsplit(url).path.rstrip("/"),
            authorities=authorities,
            consistency=self.consistency,
        )
        self._threads = ThreadPoolExecutor(_DOCUMENT_THREADS, thread_name_prefix="documents")
        documents = {
            kind: DocumentResource(
                kind, registry.documents, self._threads, max_document_bytes=limits.max_body_mb * _MIB
            )
            for kind in DocumentKind
        }
        # Apart: a slow archive does not hold up the documents.
        self._agent_threads = ThreadPoolExecutor(store.readers, thread_name_prefix="agents")
        activities = ActivityResource(archive.definitions, self._threads, self._reading.caught_up)
        agents = AgentResource(Agents(archive.engine), self._agent_threads, self._reading.caught_up, authorities)
        self.routes = Routes(
            [
                statement_route(self._reading, self._writing),
                document_route("/xAPI/activities/state", documents[DocumentKind.STATE].handle),
                document_route("/xAPI/activities/profile", documents[DocumentKind.ACTIVITY_PROFILE].handle),
                document_route("/xAPI/agents/profile", documents[DocumentKind.AGENT_PROFILE].handle),
                read_route("/xAPI/activities", activities.get),
                read_route("/xAPI/agents", agents.get),
                *open_routes(Landing(operator=settings.zone.operator, url=url), OpenApi(url)),
            ]
        )

    async def finish(self) -> None:
        """Wait a moment for what is still being published."""
        await self._storing.finish()

    def close(self) -> None:
        """Let go of every thread."""
        self._writing.close()
        self._reading.close()
        self._attachments.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._agent_threads.shutdown(wait=True, cancel_futures=True)

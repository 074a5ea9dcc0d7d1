"""The gateway: the xAPI interface. Validates, decides about ids, logs, reads back. Stores nothing itself."""

from lrs.api.gateway.part import GatewayPart

__all__ = ["GatewayPart"]

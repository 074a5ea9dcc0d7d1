"""What a part is called in its consumer group. Pure."""

from __future__ import annotations


def member_name(member: str, partitions: int) -> str:
    """The static name of `member` in a zone of so many partitions (Kafka's `group.instance.id`).

    One that comes back with another number is another member. Of one that it knows the group takes the old share for
    granted, so that nobody would read the partitions that were added.
    """
    return f"{member}.{partitions}"

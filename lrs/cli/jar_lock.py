"""Writes the lock of the broker's jars: `python -m lrs.cli.jar_lock VERSION`. For whoever moves to another Kafka.

Resolves with jgo into a temporary folder and records what came: commit the file after a look at the difference.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

from lrs.cli.jars import LOCK, Jar

_HEADER = "# Every jar of the broker, exactly. Made by `python -m lrs.cli.jar_lock VERSION`; see README.md.\n"
# Kafka brings log4j and the slf4j interface, but nothing that joins them.
_LOGGING = ("org.apache.logging.log4j", "log4j-core", "log4j-slf4j-impl")


def main(version: str) -> None:
    """Resolve Kafka `version` and write the lock file."""
    with tempfile.TemporaryDirectory(prefix="ayumi-jars-") as name:
        jars = resolve(version, Path(name))
    LOCK.write_text(_HEADER + "".join(_entry(jar) for jar in sorted(jars, key=lambda jar: jar.coordinate)), "utf-8")
    print(f"{len(jars)} jars, {sum(jar.bytes for jar in jars) >> 20} MiB: {LOCK}")  # noqa: T201 - a developer's tool


def resolve(version: str, folder: Path) -> list[Jar]:
    """All jars that Kafka `version` needs at run time, fetched into `folder`."""
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - 300 ms

    context = MavenContext(repo_cache=folder)
    kafka = context.create_dependency(f"org.apache.kafka:kafka_2.13:{version}")
    _, nodes = PythonResolver().get_dependency_list([kafka])
    found = {(kafka.groupId, kafka.artifactId): kafka.version}
    found |= {(node.dep.groupId, node.dep.artifactId): node.dep.version for node in nodes}
    group, core, bridge = _LOGGING
    found[group, bridge] = found[group, core]
    return [_jar(context, *names, version) for names, version in found.items()]


def _jar(context: object, group: str, artifact: str, version: str) -> Jar:
    path = context.project(group, artifact).at_version(version).artifact().resolve()  # type: ignore[attr-defined]
    content = path.read_bytes()
    return Jar(f"{group}:{artifact}:{version}", hashlib.sha256(content).hexdigest(), len(content))


def _entry(jar: Jar) -> str:
    return f'\n[[jar]]\ncoordinate = "{jar.coordinate}"\nsha256 = "{jar.sha256}"\nbytes = {jar.bytes}\n'


if __name__ == "__main__":
    main(sys.argv[1])

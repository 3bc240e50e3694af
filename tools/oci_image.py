#!/usr/bin/env python3
"""Packs files of this machine into an OCI image archive.

    oci_image.py --name pinnace/hello:1 --output hello.tar --entrypoint /hello \\
        --port 3000 --file build/hello=/hello --link /bin/sh=/bin/busybox

The archive depends on nothing but its inputs: no times, no owners, entries in order.
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import tarfile


def entry(name, mode, kind=tarfile.REGTYPE, size=0, link=""):
    info = tarfile.TarInfo(name.lstrip("/"))
    info.mode, info.type, info.size, info.linkname = mode, kind, size, link
    return info


def make_layer(files, links, directories):
    parents = set(directories)
    for path in [target for _, target in files] + [name for name, _ in links]:
        parent = os.path.dirname(path)
        while parent not in ("", "/"):
            parents.add(parent)
            parent = os.path.dirname(parent)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(parents):
            mode = 0o1777 if path == "/tmp" else 0o755
            archive.addfile(entry(path, mode, tarfile.DIRTYPE))
        for source, target in sorted(files, key=lambda pair: pair[1]):
            with open(source, "rb") as content:
                data = content.read()
            mode = 0o755 if os.access(source, os.X_OK) else 0o644
            archive.addfile(entry(target, mode, size=len(data)), io.BytesIO(data))
        for name, target in sorted(links):
            archive.addfile(entry(name, 0o777, tarfile.SYMTYPE, link=target))
    return out.getvalue()


class Blobs:
    """Content-addressed blobs, as an OCI layout keeps them."""

    def __init__(self):
        self.by_digest = {}

    def add(self, data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        self.by_digest[digest] = data
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}


def to_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def pair(text):
    left, _, right = text.partition("=")
    return left, right


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--entrypoint", action="append", default=[])
    parser.add_argument("--command", action="append", default=[])
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--port", action="append", default=[])
    parser.add_argument("--user", default="")
    parser.add_argument("--file", action="append", type=pair, default=[], help="SOURCE=TARGET")
    parser.add_argument("--link", action="append", type=pair, default=[], help="NAME=TARGET")
    parser.add_argument("--directory", action="append", default=[])
    arguments = parser.parse_args()

    layer = make_layer(arguments.file, arguments.link, arguments.directory)
    blobs = Blobs()
    layer_descriptor = blobs.add(gzip.compress(layer, compresslevel=6, mtime=0),
                                 "application/vnd.oci.image.layer.v1.tar+gzip")
    config = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
              + arguments.env}
    if arguments.entrypoint:
        config["Entrypoint"] = arguments.entrypoint
    if arguments.command:
        config["Cmd"] = arguments.command
    if arguments.user:
        config["User"] = arguments.user
    if arguments.port:
        config["ExposedPorts"] = {port + "/tcp": {} for port in arguments.port}
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    config_descriptor = blobs.add(to_json({
        "architecture": machine, "os": "linux", "config": config,
        "rootfs": {"type": "layers",
                   "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }), "application/vnd.oci.image.config.v1+json")
    manifest_descriptor = blobs.add(to_json({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config_descriptor, "layers": [layer_descriptor],
    }), "application/vnd.oci.image.manifest.v1+json")
    manifest_descriptor["annotations"] = {
        "io.containerd.image.name": arguments.name,
        "org.opencontainers.image.ref.name": arguments.name.rpartition(":")[2],
    }
    parts = {"oci-layout": to_json({"imageLayoutVersion": "1.0.0"}),
             "index.json": to_json({"schemaVersion": 2, "manifests": [manifest_descriptor]})}
    for digest, data in blobs.by_digest.items():
        parts["blobs/sha256/" + digest] = data
    temporary = arguments.output + ".partial"
    with tarfile.open(temporary, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(parts):
            archive.addfile(entry(name, 0o644, size=len(parts[name])), io.BytesIO(parts[name]))
    os.replace(temporary, arguments.output)


if __name__ == "__main__":
    main()

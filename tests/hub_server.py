"""A model hub on loopback: listings as the hub's API gives them, files with ranges, and lines that go dead on demand."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

REVISION = "0123456789abcdef0123456789abcdef01234567"
# What the hub keeps beside git, with a SHA-256 of its own.
LARGE = (".safetensors", ".bin", ".ckpt")


@dataclass
class Hub:
    """`repos`: files by path, by repository. `cards`: what a repository's card says. `asked`: each file asked for, with its range.

    `cut_after`: bytes of a file after which its line goes dead, once for each number in the list; `changed`: files that are
    given otherwise than listed; `gated`: files that are given to nobody here.
    """

    repos: dict[str, dict[str, bytes]]
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    cut_after: dict[str, list[int]] = field(default_factory=dict)
    changed: dict[str, bytes] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""

    @property
    def files_asked(self) -> set[str]:
        return {path for path, _ in self.asked}

    def listing(self, repo: str) -> dict[str, Any]:
        siblings = [self._sibling(path, content) for path, content in self.repos[repo].items()]
        return {
            "id": repo,
            "modelId": repo,
            "author": repo.split("/")[0],
            "sha": REVISION,
            "cardData": self.cards.get(repo),
            "siblings": siblings,
        }

    def _sibling(self, path: str, content: bytes) -> dict[str, Any]:
        told: dict[str, Any] = {"rfilename": path, "size": len(content)}
        if path.endswith(LARGE):
            sha256 = hashlib.sha256(content).hexdigest()
            return told | {"blobId": "0" * 40, "lfs": {"sha256": sha256, "size": len(content), "pointerSize": 134}}
        return told | {"blobId": hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()}


@contextmanager
def hub_serving(hub: Hub) -> Iterator[Hub]:
    """Serve a hub until the `with` ends; its address is for HF_ENDPOINT."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        hub.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)", path):
            self._list(match[1])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._give(match[1], match[3])
        else:
            self.send_error(404)

    def _list(self, repo: str) -> None:
        if repo not in self.hub.repos:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = json.dumps(self.hub.listing(repo)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _give(self, repo: str, path: str) -> None:
        asked = self.headers.get("Range", "")
        self.hub.asked.append((path, asked))
        if path in self.hub.gated:
            self.send_error(403)
            return
        content = self.hub.changed.get(path, self.hub.repos[repo][path])
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cuts = self.hub.cut_after.get(path)
        self.wfile.write(content[start:][: cuts.pop(0)] if cuts else content[start:])
        self.close_connection = True

    def log_message(self, *_args: object) -> None:
        return None

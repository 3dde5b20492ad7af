# SPDX-License-Identifier: GPL-2.0-only
"""A laboratory that is simulated: LAVA's REST interface, as far as the runner asks it, in front of machines that need no time.

A host is a prefix of the address, /hN. What it is sent to do it takes from the definition of the job, as a worker does: the address of
an archive, and the plan in that. Some hosts are out of order (disorders.py).
"""

from __future__ import annotations

import itertools
import json
import re
import tarfile
import threading
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from runner.tests.scale.machine import Machine

PLAN = "lab/lava/definition/plan.jsonl"
_PATH = re.compile(r"/h(\d+)/api/v0\.2/jobs/(?:(\d+)/(?:(logs|cancel)/)?)?")


@dataclass(frozen=True)
class Answer:
    """What a host says: `length` is what it claims to say, None for nothing of the kind."""

    code: int
    body: Iterable[bytes]
    length: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Host:
    """A machine that is in order. `healed` is set when the rest is over: what is out of order may be well again then."""

    def __init__(self, number: int, healed: threading.Event) -> None:
        self.number = number
        self.healed = healed
        self.jobs: dict[str, bytes] = {}  # the plan of each, packed: there are many
        self.asked: list[str] = []

    def submit(self, definition: str) -> Answer:
        """A job, by its definition."""
        made = yaml.load(definition, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        url = made["actions"][-1]["test"]["definitions"][0]["repository"]
        with tarfile.open(url.removeprefix("file://")) as found:
            content = found.extractfile(PLAN)
            assert content is not None
            plan = zlib.compress(content.read())
        number = str(1000 * self.number + len(self.jobs) + 1)
        self.jobs[number] = plan
        return told({"job_ids": [int(number)]})

    def state(self, number: str) -> Answer:
        """Of a job."""
        device = f"simulated-{self.number}"
        return told({"id": int(number), "state": "Finished", "health": "Complete", "actual_device": device, "failure_comment": None})

    def plan(self, number: str) -> list[dict[str, Any]]:
        """Of a job."""
        return [json.loads(line) for line in zlib.decompress(self.jobs[number]).splitlines()]

    def lines(self, number: str) -> Iterator[bytes]:
        """The log of a job."""
        return Machine(self.plan(number)).log()

    def log(self, number: str, start: int) -> Answer:
        """What there is of it from a line on."""
        body = b"".join(itertools.islice(self.lines(number), start, None))
        return Answer(200, [body], len(body)) if body else Answer(404, [])


def told(value: Any) -> Answer:
    """An answer in JSON."""
    body = json.dumps(value).encode()
    return Answer(200, [body], len(body))


class Laboratory(ThreadingHTTPServer):
    """The hosts, on a port of the loopback. `served` counts the bytes of logs."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, hosts: Iterable[Host]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hosts = {host.number: host for host in hosts}
        self.served = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def url(self, number: int) -> str:
        """The address of a host's server."""
        return f"http://127.0.0.1:{self.server_port}/h{number}"

    def __enter__(self) -> Laboratory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has gone, as one who has heard enough does."""


class _Handler(BaseHTTPRequestHandler):
    server: Laboratory

    def _answer(self) -> Answer:
        parts = urlsplit(self.path)
        found = _PATH.fullmatch(parts.path)
        if found is None or self.headers["Authorization"] != "Token secret":
            return Answer(403, [b"who are you?"])
        host, number, what = self.server.hosts[int(found[1])], found[2], found[3]
        host.asked.append(self.path)
        if self.command == "POST" and number is None:
            return host.submit(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["definition"])
        if number is None or number not in host.jobs:
            return Answer(404, [])
        start = int(parse_qs(parts.query).get("start", ["0"])[0])
        return host.log(number, start) if what == "logs" else host.state(number)

    def do_GET(self) -> None:
        answer = self._answer()
        self.send_response(answer.code)
        if answer.length is not None:
            self.send_header("Content-Length", str(answer.length))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in answer.body:
            self.wfile.write(piece)
            self.server.served += len(piece)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing."""


def until(event: threading.Event, pieces: Iterable[bytes], seconds: float) -> Iterator[bytes]:
    """One piece each so many seconds until the event, then the rest at once."""
    for piece in pieces:
        event.wait(seconds)
        yield piece

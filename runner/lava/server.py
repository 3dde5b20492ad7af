# SPDX-License-Identifier: GPL-2.0-only
"""A LAVA server by its REST interface, version 0.2, and who one is there."""

import contextlib
import dataclasses
import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml

from lab.errors import LabError, UsageError
from runner.lava import transfer

CONFIG = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "lavacli.yaml"
TOKEN = "LAVA_TOKEN"
ANSWER_S = 60.0
ANSWER_MAX = 16 << 20  # bytes of what is no log
LISTEN_MAX = 16 << 20
SAID_MAX = 500  # characters of a server's words that are shown
FINISHED = "Finished"


class Unreachable(LabError):
    """No answer, or that of somebody before the server: it may pass."""


class Absent(LabError):
    """There is no such thing on the server."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A job as the server sees it. `health` is "Unknown" until it has ended, then "Complete", "Incomplete" or "Canceled"."""

    id: str
    state: str
    health: str
    device: str | None = None
    comment: str = ""


class Service(Protocol):
    """Whoever runs jobs. All may raise LabError, or Unreachable."""

    def submit(self, name: str, definition: str) -> str:
        """Gives the job away and returns its id."""

    def find(self, name: str) -> str | None:
        """The id of the job of this name, None if there is none."""

    def job(self, number: str) -> Job:
        """How it is now."""

    def log(self, number: str, start: int = 0) -> bytes:
        """Its log from line `start` on, at most LISTEN_MAX bytes: for a look at a job that runs."""

    def save(self, number: str, path: Path) -> None:
        """Puts the log of a job that is over at `path`, at most transfer.LOG_MAX bytes. If it does not get there all at once, what has
        come is kept beside it, and the next call goes on from there."""

    def cancel(self, number: str) -> None:
        """Asks that it be ended."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token is for the server that was named, and for nobody that it sends us to."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _shown(text: Any) -> str:
    """Somebody else's words, for a terminal."""
    return "".join(c if c.isprintable() else " " for c in str(text))[:SAID_MAX]


def _said(error: urllib.error.HTTPError) -> str:
    """The beginning of what a server says to a refusal, if it says it."""
    with error, contextlib.suppress(OSError, http.client.HTTPException):
        return _shown(error.read1(SAID_MAX).decode("utf-8", "replace"))
    return ""


def _number(value: Any, url: str) -> str:
    """A job's number, which names files too."""
    if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,4})?", str(value)):
        raise LabError(f"{url}: {_shown(value)!r} is no number of a job")
    return str(value)


class Server:
    """One server, as one user."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._opener = urllib.request.build_opener(_NoRedirects)

    @contextlib.contextmanager
    def _answer(self, path: str, data: Mapping[str, str] | None = None) -> Iterator[http.client.HTTPResponse]:
        """The answer to be read; what goes wrong meanwhile is told as a LabError."""
        headers = {"Authorization": f"Token {self._token}", "Accept": "application/json"}
        body = None if data is None else json.dumps(data).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            request = urllib.request.Request(f"{self.url}/api/v0.2/{path}", body, headers)
            with self._opener.open(request, timeout=ANSWER_S) as answer:
                packed = answer.headers.get("Content-Encoding", "identity")
                if packed != "identity":
                    raise LabError(f"{self.url}: {path.split('?')[0]}: the answer is packed ({_shown(packed)}), which nobody asked for")
                yield answer
        except urllib.error.HTTPError as error:
            said = _said(error)
            if error.code >= 500:
                raise Unreachable(f"{self.url}: {error.code} {_shown(error.reason)}") from None
            if error.code == 404:
                raise Absent(f"{self.url}: {path.split('?')[0]}: 404: {said}") from None
            if error.code == 401:
                said += f"; the token comes from ${TOKEN}, or from {CONFIG}"
            raise LabError(f"{self.url}: {path.split('?')[0]}: {error.code}: {said}") from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self.url}: {_shown(error)}") from None
        except ValueError as error:
            raise UsageError(f"{self.url}: no address of a LAVA server: {error}") from None

    def _ask(self, path: str, data: Mapping[str, str] | None = None, most: int = ANSWER_MAX) -> bytes:
        """The first `most` bytes of an answer."""
        with self._answer(path, data) as answer:
            return b"".join(transfer.pieces(answer, most, ANSWER_S))

    def _object(self, path: str, data: Mapping[str, str] | None = None) -> dict[str, Any]:
        raw = self._ask(path, data)
        if len(raw) == ANSWER_MAX:
            raise LabError(f"{self.url}: {path.split('?')[0]}: an answer of more than {ANSWER_MAX >> 20} MiB")
        try:
            found = json.loads(raw)
            if not isinstance(found, dict):
                raise ValueError("no object")
        except (ValueError, RecursionError):
            said = _shown(raw[:100].decode("utf-8", "replace"))
            raise LabError(f"{self.url}: {path.split('?')[0]}: not the answer of a LAVA server: {said}") from None
        return found

    def submit(self, name: str, definition: str) -> str:
        ids = self._object("jobs/", {"definition": definition}).get("job_ids")
        if not isinstance(ids, list) or len(ids) != 1:
            raise LabError(f"{self.url}: the server took the job {name} and did not say its number")
        return _number(ids[0], self.url)

    def find(self, name: str) -> str | None:
        found = self._object("jobs/?" + urllib.parse.urlencode({"description": name})).get("results")
        if not isinstance(found, list):
            raise LabError(f"{self.url}: the server does not list its jobs")
        return next((_number(job.get("id"), self.url) for job in found if isinstance(job, dict) and job.get("description") == name), None)

    def job(self, number: str) -> Job:
        found = self._object(f"jobs/{number}/")
        device = found.get("actual_device")
        return Job(
            number, _shown(found.get("state")), _shown(found.get("health")), None if device is None else _shown(device),
            _shown(found.get("failure_comment") or ""),
        )  # fmt: skip

    def log(self, number: str, start: int = 0) -> bytes:
        try:
            return self._ask(f"jobs/{number}/logs/" + (f"?start={start}" if start else ""), most=LISTEN_MAX)
        except Absent:
            return b""  # it has none yet, or no more

    def save(self, number: str, path: Path) -> None:
        with transfer.kept(path) as (file, lines):
            try:
                with self._answer(f"jobs/{number}/logs/" + (f"?start={lines}" if lines else "")) as answer:
                    for piece in transfer.pieces(answer, transfer.LOG_MAX - file.tell(), transfer.PATIENCE_S):
                        transfer.write(file, piece)
            except Absent:
                pass  # it has none, or no more than there was

    def cancel(self, number: str) -> None:
        self._object(f"jobs/{number}/cancel/", {})


def _identity(name: str) -> dict[str, Any]:
    """What lavacli's configuration says of an identity."""
    try:
        found = yaml.safe_load(CONFIG.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{name}: no URL of a server, and there is no {CONFIG} with identities (`lavacli identities add`)") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{CONFIG}: {error}") from None
    entry = found.get(name) if isinstance(found, dict) else None
    if not isinstance(entry, dict) or not isinstance(entry.get("uri"), str):
        raise UsageError(f"{CONFIG} has no identity {name!r} with a uri")
    return entry


def connect(name: str) -> Server:
    """The server that a URL or an identity of lavacli names. UsageError if nobody says where it is, or who we are."""
    token = os.environ.get(TOKEN)
    if name.startswith(("http://", "https://")):
        url = name
    else:
        entry = _identity(name)
        url = entry["uri"].removesuffix("/").removesuffix("/RPC2")
        token = token or (str(entry["token"]) if entry.get("token") else None)
    if not token:
        raise UsageError(f"{url}: no token: set ${TOKEN}, or give the identity in {CONFIG} one")
    if not token.isascii() or not token.isprintable():
        raise UsageError(f"{url}: ${TOKEN} is no token")
    return Server(url, token)

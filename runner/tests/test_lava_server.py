# SPDX-License-Identifier: GPL-2.0-only
"""A server that is none, is gone, or lies; the real one is in check_lab.py. And who one is there."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lab.errors import LabError, UsageError
from runner.lava import server
from runner.lava.server import Absent, Server, Unreachable, connect


class Liar(BaseHTTPRequestHandler):
    """Answers everything by what the test has put here."""

    code, body, location = 200, b"", ""
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(f"{self.path} {self.headers['Authorization']}")
        self.send_response(self.code)
        if self.location:
            self.send_header("Location", self.location)
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(name="liar")
def liar_fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name, value in (("code", 200), ("body", b""), ("location", ""), ("asked", [])):
        monkeypatch.setattr(Liar, name, value)
    http = HTTPServer(("127.0.0.1", 0), Liar)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    yield Server(f"http://127.0.0.1:{http.server_port}/", "secret")
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.mark.parametrize("body, said", [
    (b"", "not the answer of a LAVA server"), (b"<html>\x1b[2J", "not the answer of a LAVA server: <html> [2J"), (b"[]", "not the answer"),
    (b"[" * 100_000, "not the answer"), (b'{"job_ids": []}', "did not say its number"), (b'{"job_ids": "x"}', "did not say its number"),
    (b'{"job_ids": ["../../etc/passwd"]}', "no number of a job"), (b'{"job_ids": [[1]]}', "no number of a job"),
])  # fmt: skip
def test_a_submission_that_is_answered_by_nonsense(liar: Server, body: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Liar, "body", body)
    with pytest.raises(LabError) as caught:
        liar.submit("a", "b")
    assert said in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize("code, kind", [(500, Unreachable), (502, Unreachable), (401, LabError), (404, Absent), (302, LabError)])
def test_a_server_that_refuses(liar: Server, code: int, kind: type[LabError], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Liar, "code", code)
    with pytest.raises(LabError) as caught:
        liar.job("1")
    assert type(caught.value) is kind and "secret" not in str(caught.value)


def test_the_token_goes_to_nobody_else(liar: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Liar, "code", 302)
    monkeypatch.setattr(Liar, "location", f"{liar.url}/elsewhere")
    with pytest.raises(LabError):
        liar.job("1")
    assert Liar.asked == ["/api/v0.2/jobs/1/ Token secret"]


def test_a_job_of_no_shape_is_not_over(liar: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Liar, "body", b'{"state": ["Finished"], "health": {}, "actual_device": "a\\u001b[2Jb", "failure_comment": null}')
    job = liar.job("1")
    assert job.state != server.FINISHED and job.device == "a [2Jb" and job.comment == ""


def test_a_log_that_is_not_there(liar: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Liar, "code", 404)
    assert liar.log("1") == b""


def test_a_job_is_found_by_its_whole_name(liar: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Liar, "body", b'{"results": [7, {"id": 1, "description": "a b c"}, {"id": 2, "description": "a b"}]}')
    assert liar.find("a b") == "2" and liar.find("a") is None


def test_nobody_there() -> None:
    with pytest.raises(Unreachable):
        Server("http://127.0.0.1:1", "t").job("1")
    with pytest.raises(UsageError, match="no address"):
        Server("http://[", "t").job("1")


@pytest.fixture(name="config")
def config_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(server, "CONFIG", tmp_path / "lavacli.yaml")
    monkeypatch.delenv(server.TOKEN, raising=False)
    return tmp_path / "lavacli.yaml"


def test_who_one_is_stands_in_lavaclis_configuration(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("lab:\n  uri: https://lava.example/RPC2\n  username: me\n  token: abc\n")
    found = connect("lab")
    assert (found.url, found._token) == ("https://lava.example", "abc")
    monkeypatch.setenv(server.TOKEN, "def")
    assert connect("lab")._token == "def" and connect("https://other.example/").url == "https://other.example"


@pytest.mark.parametrize("text, name, said", [
    (None, "lab", "lavacli identities add"), ("{", "lab", "lavacli.yaml: "), ("[]", "lab", "no identity 'lab'"),
    ("lab: 1", "lab", "no identity 'lab'"), ("lab: {uri: 7}", "lab", "no identity"), ("lab: {uri: 'https://x/RPC2'}", "lab", "no token"),
    ("lab: !!python/object/apply:os.system [id]", "lab", "lavacli.yaml: "), (None, "https://lava.example", "no token"),
    ("lab: {uri: 'https://x/RPC2', token: \"a\\nb\"}", "lab", "is no token"),
])  # fmt: skip
def test_nobody_says_who_one_is(config: Path, text: str | None, name: str, said: str) -> None:
    if text is not None:
        config.write_text(text)
    with pytest.raises(UsageError, match=said):
        connect(name)

"""What the server lets in: names, pages, uploads."""

from __future__ import annotations

import http.client
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.runtime.memory_session_storage import MemorySessionStorage

import run
from tests.browser import Server, serve

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The app as `run.py` starts it."""
    names = [part for name in run.hosts() for part in ("--server.allowedHosts", name)]
    with serve(ROOT / "streamlit_app.py", *names) as found:
        yield found


def handshake(server: Server, host: str, origin: str | None = None) -> int:
    """The status with which the server answers a page that wants a connection."""
    address = server.address.removeprefix("http://")
    lines = ["GET /_stcore/stream HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
    lines += [f"Origin: {origin}"] if origin else []
    name, port = address.split(":")
    with socket.create_connection((name, int(port)), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(1024).split()[1])


def test_the_server_answers_to_its_own_names_alone(server: Server) -> None:
    port = server.address.rpartition(":")[2]
    for name in ("127.0.0.1", "localhost", "[::1]", socket.gethostname()):
        assert handshake(server, f"{name}:{port}", f"http://{name}:{port}") == 101, name
    assert handshake(server, "evil.example", "http://evil.example") == 403
    assert handshake(server, f"localhost.evil.example:{port}") == 403


def test_a_page_of_another_address_gets_no_connection(server: Server) -> None:
    port = server.address.rpartition(":")[2]
    assert handshake(server, f"127.0.0.1:{port}", "http://evil.example") == 403


def test_an_upload_needs_the_token_of_its_page(server: Server) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\nabc\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Origin": "http://evil.example"}
    connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=20)
    connection.request("PUT", "/_stcore/upload_file/session/file", body, headers)
    answer = connection.getresponse()
    assert answer.status == 403
    assert answer.getheader("Access-Control-Allow-Origin") not in ("*", "http://evil.example")
    connection.close()


def test_the_settings_are_on() -> None:
    found = SETTINGS["server"]
    assert found["enableXsrfProtection"] and found["enableCORS"]
    assert found["allowedHosts"] == ["*"], "a host whose proxy gives the app another name must work too"
    assert SETTINGS["client"]["showErrorDetails"] == "none"
    assert not SETTINGS["browser"]["gatherUsageStats"]


def test_a_phone_that_sleeps_for_ten_minutes_finds_its_visit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's own store of visits without a page, with our setting and a clock that can be turned."""
    now = [0.0]
    storage = MemorySessionStorage(ttl_seconds=SETTINGS["server"]["disconnectedSessionTTL"])
    monkeypatch.setattr(storage._cache, "_timer", lambda: now[0])

    class Session:
        id = "phone"

    class Info:
        session = Session()

    storage.save(Info())  # type: ignore[arg-type]
    now[0] = 10 * 60
    assert storage.get("phone") is not None
    now[0] = 20 * 60
    assert storage.get("phone") is None, "and does not stay for ever"

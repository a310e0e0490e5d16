"""What the load run rests on: its percentiles, and that it would notice one visitor's things at another."""

from __future__ import annotations

import asyncio
import io
import math
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image as Pillow
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks import door, host, load, marks
from benchmarks.audience import Record
from core.imaging import Call, apply, decode
from core.tuning import image_dataset
from core.vision.models import vision_model


@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([float(n) for n in range(1, 21)], 0.95, 19.0),
        ([7.0], 0.95, 7.0),
        ([1.0, 9.0], 0.5, 1.0),
    ],
)
def test_percentiles_are_the_nearest_rank(values: list[float], share: float, wanted: float) -> None:
    assert host.percentile(values, share) == wanted


def test_of_nothing_there_is_no_percentile() -> None:
    assert math.isnan(host.percentile([], 0.5))


def test_a_strangers_word_is_found_and_ones_own_is_none() -> None:
    text = f"{marks.sentence(3, 0)} {marks.sentence(12, 1)} https://x/?text=ZQ4zq"
    assert marks.strangers(text, 3) == {12, 4}
    assert marks.strangers(marks.sentence(1, 2), 1) == set()
    assert marks.strangers("zqzq zq 5 zq quiz", 1) == set()


def test_a_code_is_read_from_a_photo_as_the_app_shows_it() -> None:
    model = vision_model("efficientnet_lite0")
    for number in (1, 20, 170):
        image = decode(marks.photo(number, 0))
        assert marks.read_code(image) == number
        assert marks.read_code(model.preparation.pixels(image)) == number
        noisy = apply(image, [Call("gaussian_noise", (("sigma", 60),))])[0].image
        assert marks.read_code(noisy) == number
        small = np.asarray(Pillow.fromarray(image).resize((128, 96)))
        assert marks.read_code(small) == number


def test_no_code_is_read_where_there_is_none(photos: dict[str, np.ndarray], noise: np.ndarray) -> None:
    plain = np.full((200, 200, 3), 255, np.uint8)
    assert [marks.read_code(image) for image in (*photos.values(), noise, plain, plain[:9, :9])] == [None] * (
        len(photos) + 3
    )


def test_a_data_set_holds_the_code_and_the_word_in_all_its_parts() -> None:
    with zipfile.ZipFile(io.BytesIO(marks.archive(9, 1))) as files:
        names = files.namelist()
        assert len(names) == marks.EACH * len(marks.COLOURS)
        assert all(marks.word(9) in name for name in names)
        assert {marks.read_code(decode(files.read(name))) for name in names} == {9}
    assert marks.archive(9, 1) != marks.archive(9, 2)
    found = image_dataset(marks.archive(9, 1))
    splits = [sum(example.split == split for example in found.examples) for split in ("train", "validation")]
    assert len(found.examples) == 30  # and the app takes them: no picture is a copy of another
    assert min(splits) >= len(marks.COLOURS)


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "PNG")
    return file.getvalue()


def test_a_picture_of_another_visitor_is_noticed(noise: np.ndarray) -> None:
    record = Record()
    record.pictures = {
        "icon": png(noise),
        "shared": png(noise[::-1]),
        "black": png(np.zeros((7, 7, 3), np.uint8)),
        "of 1": png(marks.coded(noise, 1)),
        "of 2": png(marks.coded(noise, 2)),
    }
    record.seen[load.FIRST] = {"icon"}
    record.seen[1] = {"icon", "black", "of 1"}
    record.seen[2] = {"icon", "black", "of 2"}
    assert [*load.common(record), *load.foreign(record)] == []
    record.seen[2].add("of 1")
    assert list(load.foreign(record)) == ["visitor 2 was shown a picture of 1"]
    record.seen[2].remove("of 1")
    for number in (1, 2):  # such a picture without a code, too
        record.seen[number].add("shared")
    assert list(load.common(record)) == ["the visitors [1, 2] were shown the same picture, shared"]
    record.samples[2] = {"shared"}
    assert list(load.common(record)), "a picture of 1, where 2 should see a sample's"
    record.samples[1] = {"shared"}
    assert list(load.common(record)) == [], "a sample's picture, where both should see one"


# --- the door ---------------------------------------------------------------------------------------


def frame(payload: bytes) -> bytes:
    """A web socket's frame as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    wide, marker = (2, 126) if size < 65536 else (8, 127)
    return bytes((0x82, marker)) + size.to_bytes(wide) + payload


def test_messages_are_found_however_they_are_cut() -> None:
    sent = [b"first", b"x" * 300, b"", b"y" * 70_000, b"z" * 200]
    stream = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"".join(map(frame, sent))
    for width in (1, 7, 1000, len(stream)):
        frames = door.Frames()
        chunks = (stream[at : at + width] for at in range(0, len(stream), width))
        found = [message for chunk in chunks for message in frames.messages(chunk)]
        assert found == [b"first", b"", b"z" * 200]
    assert not list(door.Frames().messages(b"HTTP/1.1 200 OK\r\n\r\n" + frame(b"first")))


def masked(message: bytes, key: bytes = b"\x01\x80\xff\x07") -> bytes:
    """A message as a browser sends it (RFC 6455, section 5.3)."""
    head = frame(message)
    wide = len(head) - len(message)
    mixed = bytes(one ^ key[place % 4] for place, one in enumerate(message))
    return head[:1] + bytes([head[1] | 0x80]) + head[2:wide] + key + mixed


@pytest.mark.parametrize("length", [0, 9, 300, 70_000])
def test_what_a_browser_asks_is_read(length: int) -> None:
    run = BackMsg(rerun_script={"query_string": "x" * length}).SerializeToString()
    other = BackMsg(file_urls_request={"request_id": "rerun_script"}).SerializeToString()
    assert list(door.spoken(masked(run) + masked(other))) == [run, other]
    assert door.asks_for_a_run(masked(run)) and door.asks_for_a_run(masked(other) + masked(run))
    assert not door.asks_for_a_run(masked(other))
    assert not door.asks_for_a_run(b"PUT /_stcore/upload_file HTTP/1.1\r\n\r\nrerun_script")


def test_a_run_is_over_at_its_own_end_alone() -> None:
    status = ForwardMsg.ScriptFinishedStatus
    done = ForwardMsg(script_finished=status.FINISHED_SUCCESSFULLY, hash="a")
    early = ForwardMsg(script_finished=status.FINISHED_EARLY_FOR_RERUN)
    assert door.over(done.SerializeToString())
    assert not door.over(early.SerializeToString())
    assert not door.over(ForwardMsg(session_status_changed={}).SerializeToString())
    assert not door.over(b"\xff\xff\xff")


def test_the_servers_part_ends_with_the_picture_or_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(door.time, "monotonic", lambda: now)
    passed = door.Passed()
    assert passed.until("words") is None
    passed.asked = now
    picture = "".join(f"{number:03}" for number in range(200))
    for chunk in ("before" + picture[:310], picture[310:] + "after", "the end"):
        now += 1
        passed.came(chunk.encode())
    passed.over = now
    assert passed.until(picture) == 2  # whose middle is cut
    assert passed.until("words") == passed.until("p" * 300) == 3


def test_a_door_changes_nothing_and_tells_when() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readexactly(3)
        await asyncio.sleep(0.1)
        writer.write(asked.upper() * 100_000)
        await writer.drain()
        writer.close()

    async def through() -> tuple[bytes, float | None]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        one = door.Door(f"http://127.0.0.1:{port}")
        own = int((await one.open()).rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", own)
        one.mark()
        writer.write(b"abc")
        found = await reader.read()
        writer.close()
        one.close()
        server.close()
        return found, one.passed.until("words")

    with ThreadPoolExecutor(1) as apart:  # this thread may be Playwright's, whose loop runs already
        found, seconds = apart.submit(asyncio.run, through()).result()
    assert found == b"ABC" * 100_000
    assert seconds is not None and 0.1 <= seconds < 5


def test_doors_hold_their_questions_until_all_are_there() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.read(10):
            writer.write(asked.upper())
        writer.close()

    async def through() -> list[door.Passed]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        doors = [door.Door(address) for _ in range(3)]
        barrier = asyncio.Barrier(3)

        async def visitor(one: door.Door, late: float) -> door.Passed:
            own = int((await one.open()).rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", own)
            one.mark()
            one.hold(barrier, lambda chunk: chunk == b"last")
            writer.write(b"first")
            assert await reader.readexactly(5) == b"FIRST"  # what is not the question is not held
            await asyncio.sleep(late)
            writer.write(b"last")
            assert await reader.readexactly(4) == b"LAST"
            writer.close()
            one.close()
            return one.passed

        passed = await asyncio.gather(*(visitor(one, 0.1 * place) for place, one in enumerate(doors)))
        server.close()
        await asyncio.sleep(0.1)  # until every connection is closed
        return passed

    with ThreadPoolExecutor(1) as apart:
        passed = apart.submit(asyncio.run, through()).result()
    asked = [one.questions[-1] for one in passed]
    assert max(asked) - min(asked) < 0.05 and all(len(one.questions) == 2 for one in passed)
    assert min(asked) - min(one.questions[0] for one in passed) >= 0.2


def test_a_click_is_the_servers_part_and_the_browsers_own() -> None:
    alone, record = Record(), Record()
    noise, page = "preprocess: move the noise", "preprocess: open"
    alone.answered[noise], alone.served[noise] = [0.5, 0.7, 0.9], [0.3, 0.4, 0.4]
    alone.answered[page], alone.served[page] = [9.0], [1.0]
    record.served[noise], record.served[page] = [1.0, 2.0], [3.0]
    assert load.on_own_machines(record, alone) == pytest.approx([1.3, 2.3])


def test_a_picture_is_called_as_the_page_calls_it_and_those_that_ship_are_everybodys() -> None:
    assert (
        marks.hashed("data:image/png;base64,iVBORw0KGgo=") == "ad54c62a.c08cca1a.34"
    )  # CLOCK's hash, in Node
    assert marks.hashed("") == "deadbeef.41c6ce57.0"
    record, everybodys = Record(), marks.shipped()
    assert len(everybodys) > 400
    one = next(iter(everybodys))
    record.seen[load.FIRST].update(())
    for number in (1, 2):
        record.seen[number].update({one, "own"})
    assert list(load.common(record)) and [one not in told for told in load.common(record, everybodys)] == [
        True
    ]

"""Many texts at once: what is read from a file, what is refused, and what is given back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import GlassboxError
from core.language import tables
from core.language.tables import Table, read_texts, to_csv

CHINESE = "text,label\r\n这家酒店的服务非常好，我很喜欢。,1\r\n质量很差，不推荐购买,0\r\n一般般吧,0\r\n"


def key(data: bytes | str) -> str:
    with pytest.raises(GlassboxError) as caught:
        read_texts(data)
    return caught.value.key


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
    ],
)
def test_the_same_table_in_every_encoding(written: str, found: str) -> None:
    table = read_texts(CHINESE.encode(written))
    assert table.encoding == found
    assert table.columns == ("text", "label")
    assert table.texts == ("这家酒店的服务非常好，我很喜欢。", "质量很差，不推荐购买", "一般般吧")
    assert table.header and table.delimiter == "," and not table.uneven


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("我很喜歡這家酒店，服務非常好。\n質量很差，不推薦購買", "big5"),
        ("It’s a café – “not bad” at all, I’d come again\nAwful, simply awful", "cp1252"),
        ("很好😀", "gb18030"),  # four bytes in GB18030, which GBK does not have
        ("一", "utf-16-le"),  # its first byte is zero there
        ("Œuvre naïve", "utf-8"),
    ],
)
def test_other_encodings_of_short_texts(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert tables.decode(data, tables.detect(data)) == text


def test_a_stray_zero_does_not_make_it_utf_16() -> None:
    assert read_texts(b"a good film indeed\0\nbad film, sadly so\n" + b"fine\n" * 40).encoding == "utf-8"


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
        bytes(range(256)) * 10,
        b"\xff\xfe\x00\xd8",  # half of a pair
        b"\xef\xbb\xbf\xff\xff",
        b"\x81\xff\xfe\x81" * 20,
    ],
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    assert key(data) == "tables.encoding"


@pytest.mark.parametrize("data", [b"PK\x03\x04workbook", b"\xd0\xcf\x11\xe0workbook"])
def test_a_workbook_is_told_by_its_name(data: bytes) -> None:
    assert key(data) == "tables.workbook"


@pytest.mark.parametrize(
    "data", [b"", "", "\n \n\t\n", b"\xef\xbb\xbf", b"text\n", b'""\n', b"text,label\r\n"]
)
def test_nothing_in_it(data: bytes | str) -> None:
    if data in (b"text\n", b"text,label\r\n"):  # one row is a text, unless it is said to be names
        assert len(read_texts(data).rows) == 1
        with pytest.raises(GlassboxError, match="no text"):
            read_texts(data, header=True)
    else:
        assert key(data) == "tables.empty"


def test_the_limits() -> None:
    assert key(b"a" * (tables.LARGEST + 1)) == "tables.large"
    assert key("a" * (tables.LARGEST + 1)) == "tables.large"
    assert key("a line\n" * (tables.MOST + 1)) == "tables.many"
    assert len(read_texts("a line\n" * tables.MOST).rows) == tables.MOST


@pytest.mark.parametrize("delimiter", tables.DELIMITERS)
def test_every_delimiter(delimiter: str) -> None:
    stream = io.StringIO(newline="")
    rows = [["id", "review"], ["1", f"A good one{delimiter} really"], ["2", 'She said "no"\nand left']]
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    table = read_texts(stream.getvalue().encode())
    assert table.delimiter == delimiter
    assert table.texts == (f"A good one{delimiter} really", 'She said "no"\nand left')


def test_lines_of_sentences_stay_whole() -> None:
    text = "I liked it, really\nWell, not for me\nFine, thank you; see you\n"
    for data in (text, text.encode()):
        table = read_texts(data)
        assert table.delimiter == ""
        assert table.texts == ("I liked it, really", "Well, not for me", "Fine, thank you; see you")


def test_pasted_cells_come_with_tabs_and_pasted_commas_are_commas() -> None:
    assert read_texts("1\tgood film\n0\tbad film").texts == ("good film", "bad film")
    assert read_texts("good,film\nbad,film").texts == ("good,film", "bad,film")
    assert read_texts("one text only").texts == ("one text only",)


def test_one_column_in_quotes() -> None:
    table = read_texts(b'text\n"Good, really"\n"Bad, ""sadly"""\n')
    assert table.texts == ("Good, really", 'Bad, "sadly"')


def test_a_quote_that_is_never_closed_swallows_nothing() -> None:
    rows = "".join(f"{i},text number {i}\n" for i in range(10))
    table = read_texts(('0,"a quote that stays open\n' + rows).encode())
    assert len(table.rows) == 11
    assert table.texts[0] == '"a quote that stays open'


def test_uneven_rows_lose_nothing() -> None:
    table = read_texts(
        b"label,text\n1,good film\n0,bad, really bad film\n1,fine film\n0\n1,a\n1,b\n1,c\n1,d\n1,e\n"
    )
    assert table.uneven == 2
    assert table.texts[1] == "bad, really bad film"
    assert table.rows[3] == ("0", "")


def test_the_longest_column_holds_the_texts_until_another_is_chosen() -> None:
    table = read_texts(b"id,text,note\n1,a rather long text,x\n2,another long text,y\n")
    assert table.column == 1
    assert table.with_column(2).texts == ("x", "y")
    with pytest.raises(IndexError):
        table.with_column(3)


def test_names_are_found_or_said() -> None:
    assert read_texts(b"good film,1\nbad film,0\n").columns == ("1", "2")
    assert read_texts(b"what people said,stars given\ngood film,1\nbad film,0\n").header
    assert not read_texts(b"good film,fine\nbad film,poor\n").header
    assert read_texts(b"good film,fine\nbad film,poor\n", header=True).columns == ("good film", "fine")
    assert len(read_texts(b"text,label\ngood,1\n", header=False).rows) == 2


def test_what_is_written_is_read_again() -> None:
    rows = [("很好，“真的”\n两行", 0.25), ("=1+1", -3)]
    table = read_texts(to_csv(("text", "score"), rows))
    assert table.encoding == "utf-8-sig"
    assert table.columns == ("text", "score")
    assert table.rows == (("很好，“真的”\n两行", "0.25"), ("'=1+1", "-3"))


@given(
    st.text(alphabet=" \t\r\n\0\ufeff", max_size=3),
    st.sampled_from("=+-@＝＋－＠"),
    st.text(max_size=5),
)
def test_no_cell_is_a_formula(before: str, sign: str, after: str) -> None:
    data = to_csv(["text"], [[before + sign + after]])
    [_, [cell]] = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert cell.startswith("'")


@given(st.lists(st.text(st.characters(codec="gb18030"), min_size=1), min_size=1, max_size=5), st.booleans())
def test_own_csv_of_any_text_comes_back(texts: list[str], formulas: bool) -> None:
    rows = [(i, "很好的" + text) for i, text in enumerate(texts)]
    try:
        table = read_texts(to_csv(("id", "text"), rows), header=True)
    except GlassboxError as error:  # mostly control characters or none assigned
        assert error.key == "tables.encoding"
    else:
        assert [row[1] for row in table.rows] == [text for _, text in rows]


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_anything_is_a_table_or_a_sentence(data: bytes | str) -> None:
    try:
        table = read_texts(data)
    except GlassboxError as error:
        assert str(error)
    else:
        assert isinstance(table, Table)
        assert table.rows and all(len(row) == len(table.columns) for row in table.rows)
        assert len(table.texts) == len(table.rows)

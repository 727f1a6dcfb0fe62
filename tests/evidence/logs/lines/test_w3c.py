import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.iis import FIELDS, head, line, write

from hbprobe.evidence.logs.lines import w3c
from hbprobe.evidence.logs.lines.log_sources import LogSource
from hbprobe.evidence.logs.lines.rows import Layout, columns_of
from hbprobe.evidence.logs.request import Logs

OTHER = (
    "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query sc-status time-taken X-Forwarded-For"
)


def divided(tmp_path, text):
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return w3c.divide(LogSource(write(tmp_path / "u_ex300102.log", text)), scratch)


def lines_of(stretch):
    data = stretch.file.read_bytes().decode().splitlines()
    return data[stretch.skip :]


def test_a_plain_log_is_not_copied(tmp_path):
    (stretch,) = divided(tmp_path, head() + line()).stretches
    assert (stretch.file, stretch.skip, stretch.offset, stretch.lines) == (tmp_path / "u_ex300102.log", 4, 0, 1)
    assert stretch.fields == tuple(FIELDS.split())


def test_fields_that_change_make_a_stretch_of_their_own(tmp_path):
    text = head() + line() + head(OTHER, "2030-01-02 09:00:00") + line(OTHER) + line(OTHER)
    found = divided(tmp_path, text)
    first, second = found.stretches
    assert (first.lines, second.lines) == (1, 2)
    assert second.fields == tuple(OTHER.split())
    assert lines_of(second) == [line(OTHER).strip()] * 2
    assert text.encode()[second.offset :].startswith(line(OTHER).encode())
    assert second.first_line == 1 + (head() + line() + head(OTHER)).count("\n")
    assert found.heads_again == ("2030-01-02 09:00:00",)


def test_the_order_of_the_head_does_not_matter(tmp_path):
    text = f"#Date: 2030-01-02 00:00:00\n#Fields: {FIELDS} \n#Software: x\n#Version: 1.0\n" + line()
    (stretch,) = divided(tmp_path, text).stretches
    assert stretch.fields == tuple(FIELDS.split())


def test_encodings_are_said(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        found = divided(tmp_path, (head() + line(cs_username="Müller")).encode(encoding))
        assert found.encoding == encoding
        assert "Müller" in lines_of(found.stretches[0])[0]


def test_a_last_line_without_an_end_is_set_apart(tmp_path):
    (stretch,) = divided(tmp_path, head() + line() + line().strip()).stretches
    assert (stretch.lines, stretch.unended.decode()) == (1, line().strip())


def test_zeros_of_a_crash_before_a_new_head(tmp_path):
    first, second = divided(tmp_path, head() + line() + "\0" * 500 + head() + line()).stretches
    assert (first.lines, first.unended, second.lines) == (1, b"", 1)


def test_a_log_without_dates_has_them_from_its_head_over_midnight(tmp_path):
    fields = FIELDS.removeprefix("date ")
    text = head(fields, "2030-01-02 23:00:00") + "".join(line(fields, time=at) for at in ("23:59:50", "00:07:55"))
    (stretch,) = divided(tmp_path, text).stretches
    assert stretch.fields[:2] == ("date", "time")
    assert [text[:19] for text in lines_of(stretch)] == ["2030-01-02 23:59:50", "2030-01-03 00:07:55"]


DAYLESS = "time cs-method cs-uri-stem sc-status"


def dayless(*times):
    return "".join(f"{time} POST /x 200\n" for time in times)


HEADS_WITHOUT_A_DATE = {
    "behind lines with dates": (
        head("date time cs-method cs-uri-stem sc-status") + "2030-01-05 08:00:00 POST /x 200\nbroken\n",
        ["2030-01-05 09:00:00"],
    ),
    "behind lines without": (
        head(DAYLESS, "2030-01-06 08:00:00") + dayless("23:00:00", "01:00:00"), ["2030-01-07 09:00:00"],
    ),
    "before midnight": (head(DAYLESS, "2030-01-06 08:00:00") + dayless("23:00:00"), ["2030-01-07 09:00:00"]),
    "behind a head that says it badly": (
        head(DAYLESS, "2030-01-06 08:00:00") + dayless("08:30:00") + "#Date: today\n", ["2030-01-06 09:00:00"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS_WITHOUT_A_DATE)
@pytest.mark.parametrize("again", ["#Remark: x\n", f"#Software: x\n#Fields: {DAYLESS}\n"])
def test_a_head_without_a_date_goes_on_with_the_date_that_was_reached(tmp_path, name, again):
    before, expected = HEADS_WITHOUT_A_DATE[name]
    if "Remark" in again and name == "behind lines with dates":
        again += f"#Fields: {DAYLESS}\n"
    *_, last = divided(tmp_path, before + again + dayless("09:00:00")).stretches
    assert last.fields == ("date", *DAYLESS.split())
    assert [text[:19] for text in lines_of(last)] == expected


def test_lines_that_nothing_dates_are_of_no_day(tmp_path):
    (stretch,) = divided(tmp_path, f"#Software: x\n#Fields: {DAYLESS}\n" + dayless("09:00:00")).stretches
    assert stretch.fields == tuple(DAYLESS.split())
    found = Logs([tmp_path / "u_ex300102.log"]).run()
    assert found.span is None and found.sources[0].bad == 1
    assert found.sources[0].bad_lines[0].reason == "no date among the fields: 1 line"


def mended(text, layout=Layout.BLANKS):
    return w3c.mended(w3c.parts_of(text, layout), columns_of(FIELDS.split()), layout)


def test_blanks_too_many():
    assert mended(line().replace(" 443 ", " 443  ")) == line().split()
    query = "User=a&DeviceId=X1&DeviceType=T&Cmd=Ping&Log=V141_Msg:a b_"
    found = mended(line(cs_uri_query=query))
    assert found is not None and found[5] == query.replace(" ", "+")


def test_what_cannot_be_mended_in_one_way_is_not():
    assert mended(line(cs_username="a b")) is None
    assert mended("a b c") is None


def test_quotes_hold_blanks_where_they_are_quotes():
    text = line(cs_uri_query='"a b"', cs_username='""', **{"cs(User-Agent)": 'A"b'})
    found = mended(text, Layout.QUOTED)
    assert found is not None and (found[5], found[7], found[9]) == ("a b", "", 'A"b')


@given(st.binary(max_size=300), st.sampled_from([head(), ""]))
def test_no_bytes_are_an_exception_of_another_kind(data, before):
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = divided(Path(folder), before.encode() + data)
        except w3c.NotReadError:
            return
    assert sum(stretch.lines for stretch in found.stretches) <= (before.encode() + data).count(b"\n") + 400

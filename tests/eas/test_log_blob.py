from dataclasses import replace

import pytest
from eas.test_iis_log import QUIET_PING, REFUSED_PING, SITE, utc
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.eas.log_blob import log_blob, read_blob
from hbprobe.eas.releases import Release

WITH_BLOB = [release for release in Release if release is not Release.V2003]


def test_both_dialects_and_a_mixture():
    for text in ("V141_Hb480_Rto1_S1_", "Ver1:141_Hb:480_Rto:1_SC1:1_", "V141_Hb:480_Rto1_SC1:1_"):
        blob = read_blob(text)
        assert (blob.number("Ver1", "V"), blob.number("Hb"), blob.number("Rto"), blob.number("SC1", "S")) == (
            141,
            480,
            1,
            1,
        )
        assert not blob.is_cut


def test_a_digit_that_belongs_to_the_name():
    assert read_blob("SC1:142_Ver1:160_S3_").elements == (("SC1", "142"), ("Ver1", "160"), ("S", "3"))


def test_short_names_are_not_taken_for_the_beginning_of_long_ones():
    blob = read_blob("Sst9_Sk:101_Ssnf:T_SmtpAdrs:a%40b_SBkOffD:L%2f-470_Srv:1a_")
    assert blob.number("S") is None
    assert blob.first("SmtpAdrs") == "a@b"
    assert blob.first("SBkOffD") == "L/-470"


def test_groups_of_folders():
    text = "V141_Fc2_Fid:5_Ty:Em_Filt3_St:S_Cli:0a0c0d0f0e_Svr:1a0c0d0s0e0r_Fid:6_Ty:Ca_St:F_Svr:2a1c0d0s0e0r_Hb60_"
    first, second = read_blob(text).folders()
    assert (first["Fid"], first["Ty"], first["Svr"]) == ("5", "Em", "1a0c0d0s0e0r")
    assert (second["Fid"], second["St"], second["Svr"]) == ("6", "F", "2a1c0d0s0e0r")


@pytest.mark.parametrize("text", ["V141_Hb60", "V141_Hb", "V141_H", "V141_Budget:(A)Conn%3a"])
def test_a_cut_blob_keeps_what_is_whole(text):
    blob = read_blob(text)
    assert blob.is_cut and blob.elements == (("V", "141"),)


def test_that_of_2003_has_no_element_that_is_known():
    blob = read_blob("V2TCoSSC:0A0C0D0FS:1A0C0D0SP:1C2I")
    assert blob.is_cut and not blob.elements


@pytest.mark.parametrize("release", WITH_BLOB)
@pytest.mark.parametrize("record", [QUIET_PING, REFUSED_PING, replace(QUIET_PING, expired=False, command_status=2)])
def test_what_was_written_comes_back(release, record):
    blob = read_blob(log_blob(record, release, SITE, utc))
    assert not blob.is_cut
    assert blob.number("Ver1", "V") == 141
    assert blob.number("Hb") == record.heartbeat_s
    assert (blob.number("Rto") is not None) == record.expired
    assert blob.number("SC1", "S") == record.command_status
    assert blob.first("Error") == record.error
    assert blob.all("Fid") == record.folders


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.sampled_from(WITH_BLOB), TEXTS, st.lists(TEXTS.filter(bool), max_size=4), st.integers(1, 99999))
def test_whatever_text_was_written_comes_back(release, error, folders, heartbeat_s):
    record = replace(QUIET_PING, error=error, folders=tuple(folders), heartbeat_s=heartbeat_s)
    blob = read_blob(log_blob(record, release, SITE, utc))
    assert blob.first("Error") == error
    assert blob.all("Fid") == tuple(folders)
    assert blob.number("Hb") == heartbeat_s


@given(st.text(max_size=200) | st.text(st.sampled_from("_:%HbFidSC1V0123456789abcdef"), max_size=60))
def test_no_text_is_an_exception(text):
    blob = read_blob(text)
    list(blob.folders())
    assert blob.is_cut == (not text.endswith("_") and bool(text))

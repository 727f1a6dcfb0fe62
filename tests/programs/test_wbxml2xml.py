"""libwbxml, an independent reader and writer of WBXML, agrees with every message that hbprobe makes, both ways."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

from hbprobe.eas.code_pages import TAGS
from hbprobe.eas.commands import (
    DeviceInformation,
    Folder,
    FolderSyncAnswer,
    FolderSyncRequest,
    PingAnswer,
    PingFolder,
    PingRequest,
    ProvisionAnswer,
    ProvisionRequest,
    SettingsAnswer,
    SettingsRequest,
    SyncAnswer,
    SyncCollection,
    SyncRequest,
)
from hbprobe.eas.wbxml import Element, decode, encode

pytestmark = pytest.mark.program

DEVICE = DeviceInformation(
    "hbprobe", "Linux", "a test", "hbprobe/1", "350000000000006", "en-us", "+15550100", "none", "0"
)
MAIL = Element(
    "AirSync:Add",
    (
        Element("AirSync:ServerId", text="5:1"),
        Element(
            "AirSync:ApplicationData",
            (
                Element("Email:Subject", text="Grüße & <more>"),
                Element("AirSyncBase:Body", (Element("AirSyncBase:Type", text="1"),)),
            ),
        ),
    ),
)
MESSAGES = {
    "first ping": PingRequest(480, (PingFolder("5", "Email"), PingFolder("6", "Calendar"))),
    "ping with a new interval": PingRequest(900),
    "ping of other folders": PingRequest(folders=(PingFolder("5", "Email"),)),
    "quiet": PingAnswer(1),
    "changes": PingAnswer(2, ("5", "6")),
    "interval out of range": PingAnswer(5, heartbeat_s=3540),
    "too many folders": PingAnswer(6, max_folders=100),
    "not provisioned": PingAnswer(142),
    "folder list": FolderSyncRequest("0"),
    "folders": FolderSyncAnswer(1, "1", (Folder("5", "0", "Postfächer", 2), Folder("6", "5", "<&>", 12))),
    "no folders": FolderSyncAnswer(1, "2"),
    "folders refused": FolderSyncAnswer(142),
    "first phase": ProvisionRequest(),
    "first phase of 14.1": ProvisionRequest(information=DEVICE),
    "second phase": ProvisionRequest("1307199584", 1),
    "asked for the wipe": ProvisionRequest(policy_type=None),
    "wiped": ProvisionRequest(wipe_status=1),
    "policy": ProvisionAnswer(1, 1, "1", (("DevicePasswordEnabled", "1"), ("MaxAttachmentSize", "")), False, 1),
    "no policy": ProvisionAnswer(1, 2),
    "final key": ProvisionAnswer(1, 1, "4294967295"),
    "wipe": ProvisionAnswer(1, wipe=True),
    "first sync": SyncRequest((SyncCollection("0", "5", kind="Email"),)),
    "sync": SyncRequest((SyncCollection("1", "5", get_changes=True, window_size=512, filter_type=1),)),
    "hanging sync of 12.1": SyncRequest((SyncCollection("1", "5"),), wait_min=8),
    "hanging sync": SyncRequest((SyncCollection("1", "5"), SyncCollection("3", "6")), heartbeat_s=480),
    "synced": SyncAnswer(collections=(SyncCollection("2", "5", 1, more_available=True, commands=(MAIL,)),)),
    "wait out of range": SyncAnswer(14, 59),
    "device": SettingsRequest(DEVICE),
    "device taken": SettingsAnswer(1, 1),
    "settings refused": SettingsAnswer(2),
}

RECURRENCE = (
    "Type",
    "Start",
    "Until",
    "Occurrences",
    "Interval",
    "DayOfWeek",
    "DayOfMonth",
    "WeekOfMonth",
    "MonthOfYear",
)
SPELT_OTHERWISE = {
    "AirSync:RtfTruncation": "RTFTruncation",
    "Email:ReplyTo": "Reply-To",
    "Email:DtStamp": "DTStamp",
    "Email:Status": "FlagStatus",
    **{f"{page}:{name}": f"Recurrence_{name}" for page in ("Email", "Calendar", "Tasks") for name in RECURRENCE},
    "Calendar:Email": "Attendee_Email",
    "Calendar:Name": "Attendee_Name",
    "Calendar:AttendeeStatus": "Attendee_Status",
    "Calendar:AttendeeType": "Attendee_Type",
    "Calendar:DtStamp": "DTStamp",
    "Calendar:Deleted": "Exception_Deleted",
    "Calendar:ExceptionStartTime": "Exception_StartTime",
    "Calendar:OrganizerEmail": "Organizer_Email",
    "Calendar:OrganizerName": "Organizer_Name",
    "Tasks:Regenerate": "Recurrence_Regenerate",
    "Tasks:DeadOccur": "Recurrence_DeadOccur",
    "Tasks:UtcDueDate": "UTCDueDate",
    "Tasks:UtcStartDate": "UTCStartDate",
    "Provision:RequireStorageCardEncryption": "DeviceEncryptionEnabled",
    "Settings:SMTPAddress": "SmtpAddress",
    "Settings:RightsManagementInformation": "ihsManagementInformation",
    "RightsManagement:Owner": "RMOwner",
    "RightsManagement:RemoveRightsManagementProtection": "RemoveRightsManagementDistribution",
}
"""What libwbxml 0.11 calls tags that MS-ASWBXML calls by another name."""
UNKNOWN_THERE = {"Provision:AccountOnlyRemoteWipe"}
"""Tags of protocol 16.1."""


def run(program, *arguments, given):
    found = shutil.which(program)
    if found is None:
        missing = f"{program} is not installed (Debian: apt-get install libwbxml2-utils)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    command = [found, *arguments, "-o", "-", "-"]
    done = subprocess.run(command, input=given, capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def to_xml(data):
    return ET.fromstring(run("wbxml2xml", "-l", "ACTIVESYNC", "-m", "0", given=data))


def to_wbxml(root):
    doctype = '<!DOCTYPE ActiveSync PUBLIC "-//MICROSOFT//DTD ActiveSync//EN" "http://www.microsoft.com/">'
    text = f'<?xml version="1.0"?>{doctype}{ET.tostring(as_xml(root), encoding="unicode")}'
    return run("xml2wbxml", "-n", "-a", "-v", "1.3", given=text.encode())


def as_xml(element):
    page, name = element.tag.split(":")
    found = ET.Element(name, {"xmlns": f"{page}:"})
    found.text = element.text
    found.extend(as_xml(child) for child in element.children)
    return found


def tree(element):
    """Make an element and its like in XML comparable."""
    if isinstance(element, Element):
        return element.tag, element.text or "", [tree(child) for child in element.children]
    page, name = element.tag[1:].split(":}")
    return f"{page}:{name}", element.text or "", [tree(child) for child in element]


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_it_reads_what_is_written_here(message):
    data = message.encode()
    assert tree(to_xml(data)) == tree(decode(data))


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_what_it_writes_is_read_here(message):
    data = message.encode()
    written = to_wbxml(decode(data))
    assert written == data
    assert type(message).decode(written) == message


@pytest.mark.parametrize("page", TAGS)
def test_it_knows_the_same_tags(page):
    tags = [tag for tag in TAGS[page].values() if tag not in UNKNOWN_THERE]
    document = Element("AirSync:Sync", tuple(Element(tag, text="x") for tag in tags))
    found = [tree(child)[0] for child in to_xml(encode(document))]
    assert found == [f"{tag.split(':')[0]}:{SPELT_OTHERWISE.get(tag, tag.split(':')[1])}" for tag in tags]

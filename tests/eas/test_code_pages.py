"""Which byte stands for which tag."""

from hbprobe.eas.code_pages import TAGS, TOKENS


def test_every_tag_has_one_token_of_its_own():
    assert len(TOKENS) == sum(len(tags) for tags in TAGS.values())
    assert all(5 <= token <= 0x3F for tags in TAGS.values() for token in tags)
    assert TOKENS["AirSync:HeartbeatInterval"] == (0, 0x29)
    assert TOKENS["FolderHierarchy:FolderSync"] == (7, 0x16)
    assert TOKENS["Ping:MaxFolders"] == (13, 0x0D)
    assert TOKENS["Provision:Hash"] == (14, 0x3A)
    assert TOKENS["Settings:RightsManagementInformation"] == (18, 0x2B)

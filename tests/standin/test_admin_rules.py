"""What administrators decide."""

import pytest

from hbprobe.eas.request_record import Access
from hbprobe.standin.admin_rules import AdminRules, Characteristic

ALLOW, BLOCK, QUARANTINE = Access


def rules(*levels, default="allow", what="DeviceType", query="Phone"):
    told = [{"characteristic": what, "query_string": query, "access_level": level} for level in levels]
    return {"access_rules": told, "default_access_level": default}


@pytest.mark.parametrize(
    ("told", "access", "by_rule"),
    [
        (rules(), ALLOW, False),
        (rules(default="block"), BLOCK, False),
        (rules("allow", default="block"), ALLOW, True),
        (rules("allow", "quarantine"), QUARANTINE, True),
        (rules("allow", "quarantine", "block"), BLOCK, True),
        (rules("block", query="phone"), ALLOW, False),
        (rules("block", query="Pho"), ALLOW, False),
        (rules("block", what="DeviceModel"), ALLOW, False),
    ],
)
def test_which_rule_counts(told, access, by_rule):
    assert AdminRules.model_validate(told).access({Characteristic.DEVICE_TYPE: "Phone"}) == (access, by_rule)


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"DevicePasword": "1"}, "'DevicePasword' is no setting of a policy"),
        ({"MaxAttachmentSize": "1" * 101}, "MaxAttachmentSize is longer than 100 characters"),
    ],
)
def test_a_policy_that_cannot_be_sent_is_refused(policy, told):
    with pytest.raises(ValueError, match=told):
        AdminRules(policy=policy)


def test_a_user_is_disabled_by_any_of_its_names():
    told = AdminRules(policy="off", disabled_users=("EXAMPLE\\Bob",))
    assert (told.policy, told.is_disabled("bob"), told.is_disabled("alice")) == (None, True, False)

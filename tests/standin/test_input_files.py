"""The files that the stand-in is given, right and wrong."""

import pytest

from hbprobe.eas.request_record import Access
from hbprobe.errors import UserError
from hbprobe.standin.admin_rules import AccessRule, AdminRules, AutoBlock, Characteristic, Throttle
from hbprobe.standin.input_files import load_filtering_rules, load_rules, load_users

FULL = """\
policy: {DevicePasswordEnabled: 1, MinDevicePasswordLength: 4}
default_access_level: quarantine
access_rules:
  - {characteristic: DeviceType, query_string: iPhone, access_level: allow}
max_devices: 100
max_concurrency: 10
throttle: {reason: OutOfBudgets, retry_after: 2min, times: 3}
disabled_users: [bob, carol]
remote_wipe: DEVICE1
server_error: true
"""


def write(tmp_path, text):
    file = tmp_path / "file.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_users(tmp_path):
    users = load_users(write(tmp_path, "users:\n  alice: secret\n  bob: 'off'\n  carol: 0123\n")).users
    assert users == {"alice": "secret", "bob": "off", "carol": "0123"}


def test_rules(tmp_path):
    assert load_rules(write(tmp_path, FULL)) == AdminRules(
        policy={"DevicePasswordEnabled": "1", "MinDevicePasswordLength": "4"},
        default_access_level=Access.QUARANTINE,
        access_rules=(
            AccessRule(characteristic=Characteristic.DEVICE_TYPE, query_string="iPhone", access_level=Access.ALLOW),
        ),
        max_devices=100,
        max_concurrency=10,
        throttle=Throttle(reason=AutoBlock.OUT_OF_BUDGETS, retry_after=120, times=3),
        disabled_users=("bob", "carol"),
        remote_wipe=("DEVICE1",),
        server_error=True,
    )


def test_no_policy(tmp_path):
    assert load_rules(write(tmp_path, "policy: off")).policy is None


WRONG_USERS = [
    ("", "1: is empty: write users: and below it a line NAME: PASSWORD for each"),
    ("users: {}\n", "1: users: name at least one user, as in alice: PASSWORD"),
    ("users:\n  alice:\n", "2: users.alice: is empty: write a value, or leave it out"),
    ("users: [alice]\n", "1: users: is a list: must be a block of keys"),
    ("users:\n  alice: [hunter2]\n", "2: users.alice: is a list: write text"),
    ("user:\n  alice: s\n", "1: user: unknown key; did you mean users? (allowed: users)"),
    ("alice: hunter2\n", "1: users: is missing: must be a block of keys (and 1 more)"),
    ("users:\n  alice: a\n  Alice: b\n", "1: users: alice and Alice are the same user: leave one out"),
    ("users:\n  'EX\\': a\n", "1: users: 'EX\\\\' is no name of a user"),
]


@pytest.mark.parametrize(("text", "message"), WRONG_USERS)
def test_wrong_users(tmp_path, text, message):
    file = write(tmp_path, text)
    with pytest.raises(UserError) as raised:
        load_users(file)
    assert str(raised.value) == f"{file}:{message}"
    assert "hunter2" not in str(raised.value)


KEYS = (
    "policy, default_access_level, access_rules, max_devices, max_concurrency, throttle, disabled_users, "
    "remote_wipe, direct_push, server_error"
)
LOOKED_AT = "; did you mean DeviceType? (allowed: DeviceType, DeviceModel, DeviceOS, UserAgent)"
WRONG_RULES = [
    ("", f"1: is empty: write one of {KEYS}"),
    ("max_devices: many\n", "1: max_devices: 'many' is not a whole number: write digits, as in 504"),
    ("max_devices: 0\n", "1: max_devices: must be 1 or more"),
    ("server_error: yes\n", "1: server_error: 'yes' is neither true nor false: write true or false"),
    ("policy: on\n", "1: policy: is text: must be a block of keys"),
    ("policy: {DevicePaswordEnabled: 1}\n",
     "1: policy: 'DevicePaswordEnabled' is no setting of a policy; did you mean DevicePasswordEnabled?"),
    ("policy: {ApplicationName: x}\n", "1: policy: 'ApplicationName' is no setting of a policy"),
    ("default_access_level: deny\n",
     "1: default_access_level: 'deny' is not allowed (allowed: allow, block, quarantine)"),
    ("access_rules:\n  - {characteristic: DeviceTyp, query_string: a, access_level: block}\n",
     f"2: access_rules[0].characteristic: 'DeviceTyp' is not allowed{LOOKED_AT}"),
    ("access_rules:\n  - {characteristic: DeviceType, access_level: block}\n",
     "2: access_rules[0].query_string: is missing: write text"),
    ("throttle: {retry_after: soon}\n",
     "1: throttle.retry_after: 'soon' is not a duration: write seconds (600) or a number and a unit (10min)"),
    ("remote_wipes: D\n",
     f"1: remote_wipes: unknown key; did you mean remote_wipe? (allowed: {KEYS})"),
    ("throttle: {times: 1}\nthrottle: {times: 2}\n", "2: throttle: stands twice, first in line 1"),
    ("policy: &a {}\n", "1:9: an anchor (&): quote a text that begins so, or leave it out"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG_RULES)
def test_wrong_rules(tmp_path, text, message):
    file = write(tmp_path, text)
    with pytest.raises(UserError) as raised:
        load_rules(file)
    assert str(raised.value) == f"{file}:{message}"


def test_files_that_are_not_there(tmp_path):
    missing = tmp_path / "missing.yaml"
    for load in (load_users, load_rules):
        with pytest.raises(UserError, match=r"missing\.yaml: no such file"):
            load(missing)
    with pytest.raises(UserError, match="No such file or directory"):
        load_filtering_rules(missing)

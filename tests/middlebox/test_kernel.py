"""A profile as nftables rules and sysctls, without any kernel."""

import pytest

from hbprobe.errors import UserError
from hbprobe.manner import Expiry, Layer
from hbprobe.middlebox.kernel import render, translates
from hbprobe.net.replies import EndKind
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Category, Ends, HalfClose, Profile, Sweep

CATALOGUE = Catalogue()
PACKET_BOXES = [profile for profile in CATALOGUE.all() if profile.layer is Layer.PACKET]


def box(**timers):
    """Return a packet box with such timers, each a length, or a mapping."""
    given = {kind: {"default": value} if isinstance(value, int | float) else value for kind, value in timers.items()}
    defaults = {"expiry": "silent", "restarted_by": "any-packet", "source": "s"}
    totals = {"half_open", "first_data", "lifetime"}
    return Profile.model_validate(
        {
            "id": "a-box",
            "name": "A box",
            "category": "firewall",
            "layer": "packet",
            "timers": {
                kind: defaults | ({"restarted_by": "nothing"} if kind in totals else {}) | said
                for kind, said in given.items()
            },
            "sources": {"s": {"grade": "example", "says": "made up"}},
        }
    )


def policy_of(kernel_box):
    line = next(line for line in kernel_box.ruleset.splitlines() if "policy = {" in line)
    pairs = line.partition("{")[2].rstrip(" }").split(", ")
    return {state.strip(): int(value) for state, value in (pair.split(": ") for pair in pairs)}


def rules_of(kernel_box, chain):
    lines = [line.strip() for line in kernel_box.ruleset.splitlines()]
    start = lines.index(f"chain {chain} {{")
    return lines[start + 1 : lines.index("}", start)]


# The rules


def test_the_whole_of_a_silent_box():
    assert (
        render(box(idle=300)).ruleset
        == """\
table ip hbprobe {
    ct timeout timers {
        protocol tcp
        l3proto ip
        policy = { established: 300, unack: 300, retrans: 300, fin_wait: 300, close_wait: 300, last_ack: 300 }
    }
    chain forward {
        type filter hook forward priority filter
        policy drop
        meta l4proto != tcp accept
        ct state new tcp flags & (fin | syn | rst | ack) == syn ct timeout set "timers" accept
        ct state established,related accept
    }
}
"""
    )


def test_the_whole_of_a_nat_that_resets():
    profile = box(half_open=30, idle={"default": 350, "expiry": "reset-on-next"}, half_closed=120)
    assert (
        render(profile, nat=True).ruleset
        == """\
table ip hbprobe {
    ct timeout timers {
        protocol tcp
        l3proto ip
        policy = { established: 350, unack: 350, retrans: 350, fin_wait: 120, close_wait: 120, last_ack: 120, \
syn_sent: 30, syn_recv: 30 }
    }
    chain forward {
        type filter hook forward priority filter
        policy drop
        meta l4proto != tcp accept
        ct state new tcp flags & (fin | syn | rst | ack) == syn ct timeout set "timers" accept
        ct state established,related accept
        iifname "client" reject with tcp reset
        iifname "server" reject with tcp reset
    }
    chain input {
        type filter hook input priority filter
        policy accept
        iifname "server" meta l4proto tcp reject with tcp reset
    }
    chain postrouting {
        type nat hook postrouting priority srcnat
        policy accept
        oifname "server" masquerade
    }
}
"""
    )


def test_a_box_without_timers_forgets_nothing():
    forever = render(box())
    assert set(policy_of(forever).values()) == {864_000}
    assert forever.idle_s is None


def test_data_that_nobody_acknowledged_shortens_the_timer_only_where_the_profile_says_so():
    assert policy_of(render(box(idle=3600)))["unack"] == 3600
    shortened = policy_of(render(box(idle=3600, unacknowledged=300)))
    assert (shortened["established"], shortened["unack"], shortened["retrans"]) == (3600, 300, 300)


@pytest.mark.parametrize(
    ("tells", "refused"),
    [
        ("both", ['iifname "client" reject with tcp reset', 'iifname "server" reject with tcp reset']),
        ("client", ['iifname "client" reject with tcp reset']),
        ("server", ['iifname "server" reject with tcp reset']),
    ],
)
def test_only_the_ends_that_are_told_meet_rst(tells, refused):
    profile = box(idle={"default": 350, "expiry": "reset-on-next", "tells": tells})
    assert [rule for rule in rules_of(render(profile), "forward") if "reject" in rule] == refused


@pytest.mark.parametrize(
    ("idle", "verdict"),
    [
        ({"expiry": "silent"}, "drop"),
        ({"expiry": "reset"}, "drop"),
        ({"expiry": "reset-on-next"}, "reject with tcp reset"),
        ({"expiry": "reset-on-next", "tells": "client"}, "drop"),
    ],
)
def test_a_nat_that_has_forgotten_treats_the_server_as_the_profile_says(idle, verdict):
    rules = rules_of(render(box(idle={"default": 350} | idle), nat=True), "input")
    assert rules[-1] == f'iifname "server" meta l4proto tcp {verdict}'


@pytest.mark.parametrize(("end", "sides"), [("client", ["client"]), ("both", ["client", "server"])])
def test_a_packet_of_the_end_that_revives_is_picked_up(end, sides):
    revived = render(box(idle={"default": 600, "revived_by": end}))
    assert revived.sysctls["net.netfilter.nf_conntrack_tcp_loose"] == "1"
    picked_up = [rule for rule in rules_of(revived, "forward") if rule.startswith("iifname")]
    assert picked_up == [f'iifname "{side}" ct state new ct timeout set "timers" accept' for side in sides]


def test_without_revival_nothing_is_picked_up_in_the_middle():
    assert render(box(idle=600)).sysctls == {
        "net.ipv4.ip_forward": "1",
        "net.ipv4.icmp_ratelimit": "0",
        "net.netfilter.nf_conntrack_tcp_loose": "0",
    }


@pytest.mark.parametrize(
    ("expiry", "sends"),
    [("silent", None), ("reset-on-next", None), ("reset", EndKind.RST), ("close", EndKind.FIN)],
)
def test_what_no_rule_does_is_left_to_a_watcher(expiry, sends):
    tells = {} if expiry == "silent" else {"tells": "server"}
    rendered = render(box(idle={"default": 240, "expiry": expiry} | tells))
    assert rendered.sends is sends
    assert rendered.tells is (Ends.BOTH if expiry == "silent" else Ends.SERVER)


# The clock


@pytest.mark.parametrize(
    ("idle_s", "rate", "seconds"),
    [(600, 1, 600), (600, 100, 6), (350, 100, 4), (0.3 * 10, 1, 3), (2.1, 1, 3), (600, 0.5, 1200), (600, 299, 3)],
)
def test_timers_are_divided_and_rounded_up_to_whole_seconds(idle_s, rate, seconds):
    rendered = render(box(idle=idle_s), rate=rate)
    assert (rendered.idle_s, policy_of(rendered)["established"]) == (seconds, seconds)


def test_no_other_timer_is_shorter_than_a_second():
    assert policy_of(render(box(idle=600, half_open=30), rate=100))["syn_sent"] == 1


def test_what_is_run_is_said():
    profile = box(half_open=30, idle=350, half_closed=100)
    assert render(profile).remarks == (
        "a-box ran as nftables and conntrack: half_open 30 s, idle 350 s, half_closed 100 s, silent",
    )
    (scaled,) = render(profile, rate=100, nat=True).remarks
    assert scaled == (
        "a-box ran as nftables and conntrack: half_open 1 s for 30 s (rounded up, 1 min 40 s of the path), idle 4 s "
        "for 5 min 50 s (rounded up, 6 min 40 s of the path), half_closed 1 s for 1 min 40 s, silent, NAT"
    )
    assert render(box()).remarks == ("a-box ran as nftables and conntrack: no timers",)


# What cannot be run


def test_what_conntrack_has_no_word_for_is_said():
    profile = box(
        first_data=60,
        idle={"default": 600, "restarted_by": "data", "jitter": 30, "step": 60},
        lifetime=3600,
    ).model_copy(
        update={"sweep": Sweep(every=10, source=("s",)), "half_close": HalfClose(allowed=False, source=("s",))}
    )
    assert render(profile).remarks[1:] == (
        "a-box: first_data was not run: conntrack has no such timer",
        "a-box: idle was restarted by any packet, not by data",
        "a-box: step of idle was not run",
        "a-box: jitter of idle was not run",
        "a-box: lifetime was not run: conntrack has no such timer",
        "a-box: its sweep was not run: conntrack forgets on time",
        "a-box: one end could end alone: conntrack allows it",
    )


@pytest.mark.parametrize(
    ("idle", "remark"),
    [
        ({"expiry": "rebalance"}, "a-box: idle was not run: the server chosen anew is the same"),
        ({"probes": {"every": 15}}, "a-box: idle was not run: the box asks the ends first, and they answer"),
    ],
)
def test_a_timer_that_flows_outlive_is_not_run(idle, remark):
    rendered = render(box(idle={"default": 600} | idle))
    assert rendered.idle_s is None and policy_of(rendered)["established"] == 864_000
    assert rendered.remarks == ("a-box ran as nftables and conntrack: no timers", remark)


@pytest.mark.parametrize("name", ["nginx-http-proxy", "nginx-stream-proxy"])
def test_a_box_that_ends_connections_is_refused(name):
    profile = CATALOGUE.find(name)
    with pytest.raises(UserError) as refused:
        render(profile)
    assert str(refused.value) == (
        f"{name}: layer {profile.layer} ends connections, which no rule of the kernel does: leave it out or "
        "drop kernel"
    )


def test_a_clock_that_leaves_too_little_is_refused():
    with pytest.raises(UserError) as refused:
        render(box(idle=600), rate=1000)
    assert str(refused.value) == "clock 1000: a-box: idle of 10 min would take 0.6 s: use 300 or less"


# The catalogue


def test_the_categories_that_translate():
    assert {
        category for category in Category if translates(PACKET_BOXES[0].model_copy(update={"category": category}))
    } == {
        Category.NAT,
        Category.HOME_GATEWAY,
        Category.CARRIER,
    }


@pytest.mark.parametrize("profile", PACKET_BOXES, ids=lambda profile: profile.id)
def test_each_shipped_packet_box_runs_its_idle_timer(profile):
    rendered, idle = render(profile), profile.timers.idle
    outlived = idle is None or idle.expiry is Expiry.REBALANCE or idle.probes is not None
    assert rendered.idle_s == (None if outlived else -(-idle.default // 1))

"""The schema, spoken to directly."""

import math

import pytest
from pydantic import ValidationError

from hbprobe.manner import Expiry
from hbprobe.profiles.model import (
    KINDS_OF,
    Ends,
    Grade,
    HalfClose,
    Http,
    Inferable,
    Probes,
    Profile,
    Restart,
    Source,
    Sweep,
    Timer,
    TimerKind,
)


def timer(**changes: object) -> dict[str, object]:
    return {"default": 600, "expiry": "silent", "restarted_by": "any-packet", "source": "guide", **changes}


def profile(**changes: object) -> dict[str, object]:
    return {
        "id": "some-box",
        "name": "Some box",
        "category": "firewall",
        "layer": "packet",
        "timers": {"idle": timer()},
        "sources": {"guide": {"url": "https://example.com/guide", "grade": "vendor"}},
        **changes,
    }


def complaint(**changes: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Profile.model_validate(profile(**changes))
    return str(caught.value)


def test_a_profile_is_what_was_written():
    whole = Profile.model_validate(
        profile(
            vendor="Some vendor",
            about="What to know.",
            timers={
                "idle": timer(default="10min", min=60, max="1h", inferred=["expiry"], note="A note."),
                "half_open": timer(default=30, restarted_by="nothing"),
            },
            sweep={"every": "10 s", "source": ["guide"]},
        )
    )
    assert whole.timers.idle == Timer(
        default=600,
        min=60,
        max=3600,
        expiry=Expiry.SILENT,
        restarted_by=Restart.ANY_PACKET,
        inferred=frozenset({Inferable.EXPIRY}),
        source=("guide",),
        note="A note.",
    )
    assert whole.timers.idle.tells is Ends.BOTH
    assert whole.sweep == Sweep(every=10, source=("guide",))
    assert [kind for kind, _ in whole.each_timer()] == [TimerKind.HALF_OPEN, TimerKind.IDLE]
    assert whole.timers.get(TimerKind.LIFETIME) is None
    assert whole.sources["guide"].grade is Grade.VENDOR
    assert str(whole.sources["guide"].url) == "https://example.com/guide"


def test_a_round_trip_through_json_changes_nothing():
    one = Profile.model_validate(profile(timers={"idle": timer(inferred=["restarted_by", "expiry"])}))
    assert Profile.model_validate_json(one.model_dump_json()) == one
    assert one.model_dump(mode="json")["timers"]["idle"]["inferred"] == ["expiry", "restarted_by"]


def test_one_word_stands_for_a_list():
    assert Timer.model_validate(timer(inferred="expiry")).inferred == {Inferable.EXPIRY}
    assert Sweep.model_validate({"every": 5, "source": "guide"}).source == ("guide",)


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_no_number(value):
    assert f"'{str(value).lower()}' is not a duration" in complaint(timers={"idle": timer(default=value)})


@pytest.mark.parametrize("value", [0, -1, "0", float("nan"), float("inf"), 1e12])
def test_a_timer_is_above_zero_and_below_a_century(value):
    assert "timers.idle.default" in complaint(timers={"idle": timer(default=value)})


@pytest.mark.parametrize("expiry", [Expiry.RESET_ON_NEXT, Expiry.RESET, Expiry.CLOSE])
def test_an_end_can_be_told_of_what_it_can_notice(expiry):
    assert Timer.model_validate(timer(expiry=expiry, tells="client")).tells is Ends.CLIENT


@pytest.mark.parametrize("expiry", [Expiry.SILENT, Expiry.RESPOND])
def test_an_end_cannot_be_told_of_silence(expiry):
    with pytest.raises(ValidationError, match="goes with expiry reset-on-next, reset, close, not with"):
        Timer.model_validate(timer(expiry=expiry, tells="client"))


@pytest.mark.parametrize("kind", ["half_open", "first_data", "lifetime"])
@pytest.mark.parametrize("restart", [word for word in Restart if word is not Restart.NOTHING])
def test_a_total_is_restarted_by_nothing(kind, restart):
    assert f"{kind} is a total: must be nothing, not {restart}" in complaint(
        timers={kind: timer(restarted_by=restart)}
    )


def test_respond_goes_with_layer_http():
    answering = {"total": timer(expiry="respond", status="504", body="Too late.\n", restarted_by="nothing")}
    one = Profile.model_validate(profile(layer="http", timers=answering, http={"via": "true"}))
    assert (one.timers.total.status, one.timers.total.body) == (504, "Too late.")
    assert one.http == Http(via=True)
    flow = {"idle": timer(expiry="respond", status=504)}
    assert "respond needs layer http, not tcp" in complaint(layer="tcp", timers=flow)


def test_every_timer_has_a_layer():
    assert {kind for kinds in KINDS_OF.values() for kind in kinds} == set(TimerKind)
    for layer, kinds in KINDS_OF.items():
        for kind in kinds:
            words = [word for word in Restart if fits(layer, kind, word)]
            assert words, (layer, kind)


def fits(layer, kind, word):
    try:
        Profile.model_validate(profile(layer=layer, timers={kind: timer(expiry="close", restarted_by=word)}))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("client_header", ["nothing"]),
        ("client_idle", ["client-data"]),
        ("server_response", ["nothing"]),
        ("between_bytes", ["server-data"]),
        ("tunnel_idle", ["data", "client-data", "server-data"]),
        ("lifetime", ["nothing"]),
    ],
)
def test_what_restarts_the_timers_of_an_http_box(kind, words):
    assert [word for word in Restart if fits("http", kind, word)] == words


def test_a_population():
    shares = [
        {"exactly": "255", "weight": "1"},
        {"above": "5min", "up_to": "10min", "weight": 7},
        {"above": 600, "weight": 62},
    ]
    population = Timer.model_validate(timer(population=shares)).population
    assert [str(share) for share in population] == ["4 min 15 s", "5 min to 10 min", "above 10 min"]
    assert [share.at(0.5) for share in population] == [255, 450, math.inf]
    assert [share.at(0.0) for share in population] == [255, 300, math.inf]


def test_what_a_box_does_of_its_own():
    one = Profile.model_validate(
        profile(
            timers={
                "idle": timer(probes={"every": "15s", "count": "5"}, jitter=30, step="1min", revived_by="client")
            },
            sweep={"every": 10, "passes": "3", "source": "guide"},
            half_close={"allowed": "false", "source": "guide"},
        )
    )
    idle = one.timers.idle
    assert idle.probes == Probes(every=15, count=5, asks=Ends.BOTH)
    assert (idle.jitter, idle.step, idle.revived_by) == (30, 60, Ends.CLIENT)
    assert (one.sweep.passes, one.half_close) == (3, HalfClose(allowed=False, source=("guide",)))
    assert Profile.model_validate_json(one.model_dump_json()) == one


def test_a_source_has_an_address_or_says_where_its_number_comes_from():
    assert Source(grade=Grade.MEASURED, says="Four seconds, three times.").url is None
    with pytest.raises(ValidationError, match="needs a url, or says"):
        Source(grade=Grade.MEASURED)


def test_unknown_keys_are_refused_everywhere():
    for changes in (
        {"colour": "red"},
        {"timers": {"idel": timer()}},
        {"timers": {"idle": timer(colour="red")}},
        {"sweep": {"every": 5, "source": "guide", "colour": "red"}},
        {"sources": {"guide": {"grade": "vendor", "says": "so", "colour": "red"}}},
    ):
        assert "Extra inputs are not permitted" in complaint(**changes)


@pytest.mark.parametrize("text", ["a\x1b[31mred", "right\u202eto left", "nul\0", "tab\there", "two\u2028lines"])
def test_text_that_a_terminal_would_obey_is_refused(text):
    for changes in (
        {"name": text},
        {"vendor": text},
        {"about": text},
        {"timers": {"idle": timer(note=text)}},
        {"sources": {text: {"grade": "vendor", "says": "so"}}},
        {"sources": {"guide": {"grade": "vendor", "says": text}}},
    ):
        assert "which does not print" in complaint(**changes)


def test_a_name_is_one_line():
    for changes in ({"name": "a\nb"}, {"vendor": "a\nb"}, {"sources": {"a\nb": {"grade": "paper", "says": "so"}}}):
        assert r"has the character '\n', which does not print: take it out" in complaint(**changes)


def test_paragraphs_are_kept():
    assert Profile.model_validate(profile(about="One.\n\nTwo.\n")).about == "One.\n\nTwo."


def test_values_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Profile.model_validate(profile()).name = "another"


@pytest.mark.parametrize("word", ["", "-", "a-", "-a", "a--b", "A", "a_b", "ä", "a b", "a\n", "../a"])
def test_an_id_is_fit_for_a_file_name(word):
    if word.strip() != word and word.strip():
        assert Profile.model_validate(profile(id=word)).id == word.strip()
    else:
        assert "id" in complaint(id=word)

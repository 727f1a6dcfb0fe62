"""Whatever was seen: post-mortem, reasoning, ranking and mend come to some end, and to the same one twice."""

from hypothesis import given
from hypothesis import strategies as st

from hbprobe.diagnosis.mend import mend
from hbprobe.diagnosis.ranking import best, rank
from hbprobe.diagnosis.reasoning import BoxKind, reason
from hbprobe.manner import Aftermath, Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.trial.evidence import Ask, FarEndSaw, FarEndState, Observation, Question
from hbprobe.trial.explanation import explain
from hbprobe.trial.outcome import Kind, Limit, Outcome, SocketSaw

SOME = [Catalogue().find(name) for name in ("fortinet-fortigate", "nginx-http-proxy", "nginx-stream-proxy")]
TIMES = st.floats(0.1, 1e5)

aftermaths = st.none() | st.sampled_from(Aftermath)
outcomes = st.builds(
    Outcome,
    st.just(Kind.CUT),
    TIMES,
    st.sampled_from(Manner),
    st.booleans(),
    st.sampled_from([504, 502]),
    aftermaths,
) | st.builds(Outcome, st.sampled_from([Kind.SURVIVED, Kind.FAILED]), TIMES)
far_ends = st.builds(FarEndSaw, st.sampled_from(FarEndState), st.none() | TIMES, st.none() | TIMES, st.integers(1, 3))
seens = st.builds(
    Observation,
    st.builds(Ask, st.sampled_from(Question), TIMES, st.none() | TIMES),
    outcomes,
    st.booleans(),
    st.sampled_from(["", "nginx", "/", " "]),
    st.none() | TIMES,
    st.none() | st.builds(SocketSaw, aftermaths, st.none() | st.integers(0, 9), st.booleans()),
    st.none() | far_ends,
    st.none() | TIMES,
)
limits = st.builds(Limit, st.none() | TIMES, st.none() | TIMES, st.sampled_from(Manner), st.just(504), st.booleans())


@given(seens, st.booleans())
def test_every_cut_has_a_cause_and_evidence(seen, tls):
    found = explain(seen, tls=tls)
    assert bool(found.causes) is (seen.outcome.kind is Kind.CUT)
    assert len(set(found.causes)) == len(found.causes) <= 2
    assert found.evidence
    assert explain(seen, tls=tls) == found


@given(limits, st.lists(seens, max_size=8), st.sampled_from(["hold", "idle"]), st.booleans())
def test_some_kind_of_box_remains(limit, seen, method, tls):
    reasoning = reason(limit, seen, method, tls=tls)
    assert reasoning.kinds
    assert (BoxKind.NONE in reasoning.kinds) is (limit.cut_s is None)
    matches = rank(SOME, limit, seen, reasoning)
    assert not matches or (limit.cut_s is not None and reasoning.is_a_box)
    assert len(best(matches)) <= len(matches)
    mend(limit, seen, reasoning, None)

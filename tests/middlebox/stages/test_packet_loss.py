"""What loss does to a stream of TCP."""

import pytest
from support.stages import pipe_of, plan, run

from hbprobe.middlebox.stages.packet_loss import PacketLossSettings
from hbprobe.middlebox.stages.stage import StreamEnd


def test_lost_segments_wait_for_one_retransmission_or_more():
    pipe = pipe_of(plan("packet_loss", loss_rate=0.02, seed=5))
    times = []
    for number in range(2000):
        pipe.feed(bytes(1000), number * 1000.0)
        times += [at - number * 1000 for at, _ in run(pipe)]
    lost = [round(at, 6) for at in times if at > 0.01]
    assert {0.2} <= set(lost) <= {0.2, 0.6, 1.4, 3.0}
    assert 22 <= len(lost) <= 60  # binomial, 99.9 % two-sided


def test_an_end_waits_for_what_was_lost_before_it_and_the_first_of_a_chunk_goes_ahead():
    pipe = pipe_of(plan("packet_loss", loss_rate=0.5, seed=2))
    pipe.feed(bytes(1460 * 50), 0.0)
    pipe.feed(StreamEnd.FIN, 0.0)
    out = run(pipe)
    assert sum(len(item) for _, item in out[:-1]) == 1460 * 50
    assert (out[-1][1], out[-1][0] >= out[-2][0] > 0.2) == (StreamEnd.FIN, True)


@pytest.mark.parametrize("wrong", [{"loss_rate": 1.1}, {"loss_rate": -0.1}, {"correlation": 2}])
def test_what_is_no_share_is_refused(wrong):
    with pytest.raises(ValueError, match=r"^loss_rate and correlation are shares, from 0 to 1$"):
        PacketLossSettings(**wrong)

"""What loss does to a stream of TCP."""

from support.stages import pipe_of, plan, run


def test_lost_segments_wait_for_one_retransmission_or_more():
    pipe = pipe_of(plan("packet_loss", loss_rate=0.02, seed=5))
    times = []
    for number in range(2000):
        pipe.feed(bytes(1000), number * 1000.0)
        times += [at - number * 1000 for at, _ in run(pipe)]
    lost = [round(at, 6) for at in times if at > 0.01]
    assert {0.2} <= set(lost) <= {0.2, 0.6, 1.4, 3.0}
    assert 22 <= len(lost) <= 60  # binomial, 99.9 % two-sided

"""Everything comes later."""

from support.stages import pipe_of, plan, run


def test_the_same_generator_delays_alike():
    def times():
        pipe = pipe_of(plan("latency", latency=100, jitter=90, seed=3))
        for number in range(50):
            pipe.feed(b"x", float(number))
        return run(pipe)

    assert times() == times()

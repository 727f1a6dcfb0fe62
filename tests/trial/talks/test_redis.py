import pytest

from hbprobe.trial.talks.redis import make
from hbprobe.trial.talks.talk import Where


@pytest.mark.parametrize("answer", [b"+PONG\r\n", b"-NOAUTH Authentication required.\r\n"])
def test_an_answer_with_and_without_a_login(answer):
    talk = make(Where("server.example"))
    talk.take(answer)
    assert (talk.stands, talk.answered) == (True, False)
    talk.ask()
    talk.take(answer)
    assert talk.answered


@pytest.mark.parametrize(
    "line", [b"-DENIED Redis is running in protected mode", b"-ERR max number of clients reached"]
)
def test_a_server_that_turns_us_away(line):
    talk = make(Where("server.example"))
    talk.take(line + b"\r\n")
    assert talk.trouble == f"the server turns us away: {line.decode()}"


def test_an_error_that_nobody_asked_for_is_a_disconnect_notice():
    talk = make(Where("server.example"))
    talk.take(b"+PONG\r\n-ERR idle for too long\r\n")
    assert (talk.answered, talk.disconnect_notice) == (False, "an error: '-ERR idle for too long'")

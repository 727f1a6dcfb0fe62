"""A request as it came, and the answer to it."""

from hbprobe.standin.messages import WBXML, ClientRequest, RefusedRequestError, message, refusal


def test_a_message_has_a_type_only_where_it_has_a_body():
    assert message(b"\x03").header("content-type") == WBXML
    empty = message(b"", ("MS-Server-ActiveSync", "15.2"))
    assert (empty.status, empty.header("Content-Type"), empty.header("ms-server-activesync")) == (200, None, "15.2")


def test_a_refusal_says_why_in_ascii():
    refused = refusal(403, "no ü here", ("X-A", "b"), substatus=19)
    assert (refused.status, refused.substatus, refused.body) == (403, 19, b"no \\xfc here\n")
    assert (refused.header("Content-Type"), refused.header("x-a")) == ("text/plain", "b")


def test_no_password_is_shown():
    asked = ClientRequest(authorization="Basic c2VjcmV0", headers={"user-agent": "Phone/1.0"})
    assert "c2VjcmV0" not in repr(asked)
    assert (asked.user_agent, ClientRequest().user_agent) == ("Phone/1.0", "")


def test_a_request_that_is_refused_gets_its_answer_and_a_word_in_the_log():
    refused = RefusedRequestError(refusal(403, "no"), "DeviceIsBlocked", 129)
    assert (str(refused), refused.error, refused.command_status) == ("DeviceIsBlocked", "DeviceIsBlocked", 129)
    assert refused.answer.status == 403

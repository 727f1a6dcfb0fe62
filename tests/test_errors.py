"""The errors that end a command: their exit statuses, and fields in the words of whoever reads them."""

from hbprobe.errors import CannotMeasureError, RequestError, UserError


def test_each_ends_a_command_with_a_status_of_its_own():
    assert (UserError("x").exit_status, CannotMeasureError("x").exit_status) == (2, 3)
    assert RequestError("x", "hold_s").exit_status == 2
    assert CannotMeasureError("x").partial is None


def test_fields_are_named_in_the_words_of_whoever_asks():
    error = RequestError("{hold_s} {value}: use {method} idle for more", "hold_s", value="2h")
    assert str(error) == error.told() == "hold_s 2h: use method idle for more"
    assert error.told(lambda name: f"--{name.removesuffix('_s')}") == "--hold 2h: use --method idle for more"
    assert error.field == "hold_s"


def test_what_looks_like_a_field_in_a_value_stays_as_it_is():
    assert RequestError("{name}: no", "name", name="{hold_s}").told(str.upper) == "{hold_s}: no"

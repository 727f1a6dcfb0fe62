"""A choice whose members say what they mean."""

from hbprobe.word import Word


class Colour(Word):
    RED = "red", "It stops."
    GREEN = "green"


def test_a_word_is_its_text_and_says_what_it_means():
    assert Colour("red") is Colour.RED
    assert (Colour.RED, f"{Colour.RED}", Colour.RED.meaning) == ("red", "red", "It stops.")
    assert Colour.GREEN.meaning == ""


def test_a_word_that_a_newer_program_has_added_stands_for_itself():
    assert Colour.meaning_of("red") == "It stops."
    assert Colour.meaning_of("blue") == "blue"

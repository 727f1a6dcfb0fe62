"""A choice whose members say what they mean, so that command line, documents and messages can explain them."""

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A word, and what it means."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        """Take the value that is written in a file, and what it means."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.meaning = meaning
        return word

    @classmethod
    def meaning_of(cls, word: str) -> str:
        """Return what a word of a document means; one that a newer hbprobe has added stands for itself."""
        return cls(word).meaning if word in list(cls) else word

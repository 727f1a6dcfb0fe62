"""Chance that is looked up by number instead of drawn in turn.

Each device has a key, and its k-th number is a function of key and k alone: SplitMix64 (https://doi.org/10.1145/2714064.2660195).
So it does not matter in which order devices are simulated, or how many at a time, and the same devices meet the same
luck on another path. Each function comes twice, for one number and for arrays; both give the same to the last bit,
on every processor: so the logarithm is our own, since those of libraries differ in the last bit.
"""

import math
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Floats = NDArray[np.float64]

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_WORD = 2**64 - 1
_VISITS = 0x5851F42D4C957F2D
"""Sets the numbers of a device's visits to networks apart from those of its requests."""
_KINDS = 4
SQRT_HALF = math.sqrt(0.5)
_SQRT_HALF_BITS, _MANTISSA_BITS = int(np.float64(SQRT_HALF).view(np.int64)), 52
LN2_HIGH = float.fromhex("0x1.62e42feep-1")
"""Short enough that its products with exponents are exact."""
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
ARTANH = tuple(1 / odd for odd in range(21, 2, -2))
"""Of its series beyond the first term, the highest power first: the next one does not show in a double."""


class OfRequest(IntEnum):
    """What is random about one request."""

    MAIL = 0
    """How long until the mail of this number comes."""
    PAUSE = 1
    """Whether the device pauses after a loss."""
    SPREAD = 2
    """How much longer than its least a timer of the path is."""


class OfVisit(IntEnum):
    """What is random about one visit to a network."""

    PATH = 0
    VALUE = 1
    """Which value of a distribution the path has."""
    STAY = 2
    """How long the device stays."""
    START = 3
    """When the device is switched on; for the first visit."""


def key(seed: int, device: int) -> int:
    """Return the key of a device's requests."""
    return _mix((_mix(seed & _WORD) + device * _GOLDEN) & _WORD)


def visit_key(of_device: int) -> int:
    """Return the key of the visits of the device with this key."""
    return _mix(of_device ^ _VISITS)


def uniform(of: int, number: int, what: int) -> float:
    """Return a number above 0 and not above 1."""
    word = _mix((of + (_KINDS * number + what) * _GOLDEN) & _WORD)
    return ((word >> 11) + 1) * 2.0**-53


def exponential(of: int, number: int, what: int) -> float:
    """Return an exponential number of mean 1."""
    return minus_log(uniform(of, number, what))


def minus_log(drawn: float) -> float:
    """Return the negative logarithm of a number above 0: ln(m 2^e) = e ln 2 + 2 artanh((m - 1) / (m + 1))."""
    mantissa, exponent = math.frexp(drawn)
    if mantissa < SQRT_HALF:
        mantissa, exponent = 2 * mantissa, exponent - 1
    part = (mantissa - 1) / (mantissa + 1)
    square, series = part * part, 0.0
    for term in ARTANH:
        series = (series + term) * square
    return -(exponent * LN2_HIGH + (2 * part + (2 * part * series + exponent * LN2_LOW)))


def keys(seed: int, devices: NDArray[np.int64]) -> Words:
    """Return the keys of the requests of many devices."""
    return _mix_all(np.uint64(_mix(seed & _WORD)) + devices.astype(np.uint64) * np.uint64(_GOLDEN))


def visit_keys(of_devices: Words) -> Words:
    """Return a number for each stay of a device on a path, from which its luck there is looked up."""
    return _mix_all(of_devices ^ np.uint64(_VISITS))


def uniforms(of: Words, numbers: Words, what: int) -> Floats:
    """Return numbers above 0 and not above 1."""
    words = _mix_all(of + (numbers * np.uint64(_KINDS) + np.uint64(what)) * np.uint64(_GOLDEN))
    words >>= np.uint64(11)
    words += np.uint64(1)
    return words.astype(np.float64) * 2.0**-53


def exponentials(of: Words, numbers: Words, what: int) -> Floats:
    """Return exponential numbers of mean 1."""
    return minus_logs(uniforms(of, numbers, what))


def minus_logs(drawn: Floats) -> Floats:
    """Return the negative logarithms of numbers above 0."""
    bits = drawn.view(np.int64)
    exponent = (bits - _SQRT_HALF_BITS) >> _MANTISSA_BITS
    part: Floats = (bits - (exponent << _MANTISSA_BITS)).view(np.float64)
    sums = part + 1
    part -= 1
    part /= sums
    square, series = part * part, np.zeros_like(part)
    for term in ARTANH:
        series += term
        series *= square
    part *= 2
    powers = exponent.astype(np.float64)
    series *= part
    series += powers * LN2_LOW
    series += part
    series += powers * LN2_HIGH
    return np.negative(series, out=series)


def _mix(word: int) -> int:
    word = ((word ^ (word >> 30)) * _FIRST) & _WORD
    word = ((word ^ (word >> 27)) * _SECOND) & _WORD
    return word ^ (word >> 31)


def _mix_all(words: Words) -> Words:
    words = words ^ (words >> np.uint64(30))
    words *= np.uint64(_FIRST)
    words ^= words >> np.uint64(27)
    words *= np.uint64(_SECOND)
    words ^= words >> np.uint64(31)
    return words

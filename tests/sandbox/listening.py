"""How much of a frequency is in decoded samples."""

import math


def level(samples, frequency, start, end, rate=48000):
    """The amplitude of a frequency between two seconds, by Goertzel's algorithm."""
    part = samples[round(start * rate) : round(end * rate)]
    turn = 2 * math.cos(2 * math.pi * frequency / rate)
    before = last = 0.0
    for sample in part:
        before, last = last, sample + turn * last - before
    return 2 * math.sqrt(max(0.0, before**2 + last**2 - turn * before * last)) / len(part)

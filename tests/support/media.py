"""Small real media, as the providers' recorders and people's devices make them."""

import array
import io
import math
import wave
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

RATE = 48000
FRAME = 960  # samples: 20 ms, as in a call
PICTURES_PER_SECOND = 5


@dataclass(frozen=True)
class Sound:
    """A stretch of audio in a file; between two of them the file holds nothing, as while somebody is muted."""

    start: float
    seconds: float
    frequency: int = 400  # Hz
    amplitude: int = 8000  # of 32767


def silence(start, seconds):
    return Sound(start, seconds, amplitude=0)


def speech(*starts, seconds=2.0, **kwargs):
    """Something said at each of these times."""
    return [Sound(start, seconds, **kwargs) for start in starts]


def tone(seconds, frequency=400, amplitude=8000, rate=RATE):
    """16-bit mono samples of a sine."""
    period = rate // frequency
    wave = array.array("h", (round(amplitude * math.sin(2 * math.pi * i / period)) for i in range(period)))
    count = round(seconds * rate)
    return (wave.tobytes() * (count // period + 1))[: count * 2]


def media(container="mp4", sounds=(Sound(0, 2.0),), video=0.0, codec="", duration_known=True, rate=RATE):
    """The bytes of a file with these sounds and so many seconds of video; either may be nothing."""
    out = io.BytesIO()
    # A recorder that writes to a stream cannot go back to its head to say how long it was.
    target = out if duration_known else _Unseekable(out)
    with av.open(target, "w", format=container) as output:
        audio_codec, video_codec = {
            "mp4": ("aac", "libx264"),
            "matroska": ("aac", "libx264"),
            "webm": ("libopus", "libvpx"),
            "ogg": ("libopus", ""),
            "mp3": ("libmp3lame", ""),
            "wav": ("pcm_s16le", ""),
            "flac": ("flac", ""),
            "adts": ("aac", ""),
        }[container]
        audio = output.add_stream(codec or audio_codec, rate=rate, layout="mono") if sounds is not None else None
        picture: Any = output.add_stream(video_codec, rate=PICTURES_PER_SECOND) if video else None
        if picture:
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
            _write_video(output, picture, video)
        if audio:
            _write_audio(output, audio, sounds, rate)
    return out.getvalue()


def several_streams(container, *streams):
    """A file with an audio stream for each of these lists of sounds, as screen recorders write them."""
    out = io.BytesIO()
    codec = {"mp4": "aac", "matroska": "aac"}[container]
    with av.open(out, "w", format=container) as output:
        made = [output.add_stream(codec, rate=RATE, layout="mono") for _ in streams]
        for stream, sounds in zip(made, streams, strict=True):
            _write_audio(output, stream, sounds, RATE)
    return out.getvalue()


def _write_audio(output, stream, sounds, rate):
    for sound in sounds:
        pcm = tone(sound.seconds, sound.frequency, sound.amplitude, rate)
        for position in range(0, len(pcm) // 2, FRAME):
            block = pcm[position * 2 : (position + FRAME) * 2]
            frame = av.AudioFrame(format="s16", layout="mono", samples=len(block) // 2)
            frame.planes[0].update(block)
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = round(sound.start * rate) + position
            output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def _write_video(output, stream, seconds):
    for number in range(round(seconds * PICTURES_PER_SECOND)):
        frame = av.VideoFrame(stream.width, stream.height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([number % 256]) * plane.buffer_size)
        frame.pts, frame.time_base = number, Fraction(1, PICTURES_PER_SECOND)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


class _Unseekable:
    def __init__(self, out):
        self.write = out.write


def with_audio(container="mp4", seconds=2.0):
    return media(container, [Sound(0, seconds)])


def silent(seconds=2.0):
    return media("mp4", [silence(0, seconds)])


def video_only(seconds=2.0):
    return media("mp4", None, video=seconds)


def with_audio_and_video(container="mp4", seconds=2.0):
    return media(container, [Sound(0, seconds)], video=seconds)


def track(*sounds):
    """One person's track: WebM with Opus, gaps while muted, no duration written down."""
    return media("webm", sounds, duration_known=False)


def gap(seconds):
    """658 bytes that last for so long: two packets, and nothing in between."""
    return track(Sound(0, 0.02), Sound(seconds, 0.02))


def slow_wav(seconds):
    """Two bytes a second."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(1)
        file.writeframes(bytes(2 * seconds))
    return out.getvalue()


def large_picture(megabytes):
    """A second of sound beside one picture of that size, which is none."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as output:
        picture: Any = output.add_stream("png", rate=1)
        picture.width, picture.height, picture.pix_fmt = 16, 16, "rgb24"
        audio = output.add_stream("aac", rate=RATE, layout="mono")
        packet = av.Packet(bytes(megabytes * 1024 * 1024))
        packet.pts, packet.dts, packet.time_base, packet.stream = 0, 0, Fraction(1, 1), picture
        output.mux(packet)
        _write_audio(output, audio, [Sound(0, 1)], RATE)
    return out.getvalue()


def many_pictures(count, side):
    """A second of sound beside so many videos of one black picture, which pack well and take 3 bytes a dot unpacked."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as output:
        videos: Any = [output.add_stream("png", rate=1) for _ in range(count)]
        for video in videos:
            video.width, video.height, video.pix_fmt = side, side, "rgb24"
        audio = output.add_stream("aac", rate=RATE, layout="mono")
        frame = av.VideoFrame(side, side, "rgb24")
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.pts, frame.time_base = 0, Fraction(1, 1)
        content = bytes(videos[0].encode(frame)[0])
        for video in videos:
            packet = av.Packet(content)
            packet.pts, packet.dts, packet.time_base, packet.stream = 0, 0, Fraction(1, 1), video
            output.mux(packet)
        _write_audio(output, audio, [Sound(0, 1)], RATE)
    return out.getvalue()


def broken():
    """The first part of a file whose index is at its end."""
    return with_audio("mp4")[:3000]


def heard(content, rate=RATE):
    """The decoded samples (mono, 16 bit) of an encoded file, from its own second zero, without filling gaps."""
    samples = array.array("h")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    with av.open(io.BytesIO(content), "r") as container:
        for frame in container.decode(audio=0):
            for piece in resampler.resample(frame):
                samples.frombytes(bytes(piece.planes[0])[: piece.samples * 2])
    return samples


def loudness(samples, start, end, rate=RATE):
    """Root mean square between two seconds."""
    part = samples[round(start * rate) : round(end * rate)]
    return math.sqrt(sum(sample * sample for sample in part) / len(part)) if part else 0.0


def stretches(samples, rate=RATE, window=0.1, threshold=300):
    """Where something is heard, as (start, end) in seconds, to a tenth of a second."""
    found: list[tuple[float, float]] = []
    for number in range(int(len(samples) / rate / window)):
        start, end = number * window, (number + 1) * window
        if loudness(samples, start, end, rate) < threshold:
            continue
        if found and abs(found[-1][1] - start) < window / 2:
            found[-1] = (found[-1][0], round(end, 3))
        else:
            found.append((round(start, 3), round(end, 3)))
    return found

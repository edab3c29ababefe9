"""FFmpeg's own WHIP client (its `whip` muxer) as an encoder: `python -m tests.support.encoder`, a process of its own.

It offers `a=setup:passive`, H.264 and Opus, and sends the numbered pictures of the tests until it is ended.
"""

import itertools
import json
import sys
import time
from fractions import Fraction

import av
import numpy as np

from tests.support import material

WIDTH, HEIGHT = 640, 360
SAMPLES = 960


def main() -> None:
    """Publish, by the settings in the first argument: {url, token, certificate, key, participant}."""
    told = json.loads(sys.argv[1])
    options = {
        "authorization": told["token"],
        "cert_file": told["certificate"],
        "key_file": told["key"],
        "handshake_timeout": "10000",
    }
    with av.open(told["url"], "w", format="whip", options=options) as output:
        publish(output, told["participant"])


def publish(output: av.container.OutputContainer, participant: int) -> None:
    """Pictures and sound in real time, for as long as we live."""
    settings = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "bf": "0"}
    video = output.add_stream("libx264", rate=material.FRAME_RATE, options=settings)
    video.width, video.height, video.pix_fmt, video.bit_rate = WIDTH, HEIGHT, "yuv420p", 800_000
    video.codec_context.gop_size = material.FRAME_RATE
    audio = output.add_stream("libopus", rate=material.SAMPLE_RATE, layout="stereo")
    audio.codec_context.bit_rate = 48_000
    began = time.monotonic()
    for number in itertools.count():
        time.sleep(max(0.0, began + number / material.FRAME_RATE - time.monotonic()))
        output.mux(video.encode(picture(number, participant)))
        due = (number + 1) * material.SAMPLE_RATE // material.FRAME_RATE // SAMPLES
        for chunk in range(number * material.SAMPLE_RATE // material.FRAME_RATE // SAMPLES, due):
            output.mux(audio.encode(sound(chunk)))


def picture(number: int, participant: int) -> av.VideoFrame:
    """A numbered frame."""
    luma = material.picture(number % material.FRAMES, participant, WIDTH, HEIGHT)
    frame = av.VideoFrame.from_ndarray(luma, format="gray").reformat(format="yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, material.FRAME_RATE)
    return frame


def sound(chunk: int) -> av.AudioFrame:
    """20 ms of a tone."""
    time_s = (np.arange(SAMPLES) + chunk * SAMPLES) / material.SAMPLE_RATE
    tone = (0.2 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(np.stack((tone, tone)), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = material.SAMPLE_RATE, chunk * SAMPLES
    frame.time_base = Fraction(1, material.SAMPLE_RATE)
    return frame


if __name__ == "__main__":
    main()

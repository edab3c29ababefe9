"""`python -m tests.sfu.whipper URL CERTIFICATE KEY FLAGS`: FFmpeg publishes two seconds of pictures by WHIP.

A process of its own, because FFmpeg waits for the answer with Python's lock held.
"""

import sys
import time

import av
import numpy as np

PICTURES = 50


def publish(url: str, certificate: str, key: str, flags: str) -> None:
    """Send the pictures, then say goodbye. Raises what FFmpeg raises."""
    # FFmpeg built with GnuTLS would make itself a key on P-224, which RFC 8827, 6.5 does not know and OpenSSL refuses.
    options = {"cert_file": certificate, "key_file": key, "handshake_timeout": "8000"}
    if flags:
        options["whip_flags"] = flags
    with av.open(url, "w", format="whip", options=options) as container:
        encoder = {"profile": "baseline", "preset": "ultrafast", "tune": "zerolatency", "bf": "0"}
        stream = container.add_stream("libx264", rate=25, options=encoder)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(PICTURES):
            picture = av.VideoFrame.from_ndarray(np.full((240, 320, 3), number, np.uint8), format="rgb24")
            picture.pts = number
            container.mux(stream.encode(picture))
            time.sleep(0.01)


if __name__ == "__main__":
    publish(*sys.argv[1:])

"""Session descriptions: those of real browsers and libraries, and a plain one to spoil."""

from pathlib import Path

from sfu.negotiation import LocalTransport, Slot

DATA = Path(__file__).parent.parent / "data" / "sdp"
TEXTS = {path.stem: path.read_bytes().decode() for path in sorted(DATA.glob("*.sdp"))}
FINGERPRINT = ":".join(["AB"] * 32)

SESSION = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
"""
AUDIO = """m=audio 9 UDP/TLS/RTP/SAVPF 111 0
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
"""
VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=mid:1
a=sendonly
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:* nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
"""
OFFER = SESSION + AUDIO + VIDEO

LOCAL = LocalTransport(
    ufrag="localufrag",
    password="local/password/of/24+chr",
    fingerprint=("sha-256", ":".join(["CD"] * 32)),
    candidates=(("192.0.2.7", 10_000), ("2001:db8::7", 10_000)),
    session_id=4_611_686_018_427_387_904,
)
SLOTS = [Slot("0", "audio", 1_000), Slot("1", "video", 1_001, 5_001), Slot("2", "video", 1_002, 5_002)]

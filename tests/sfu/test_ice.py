"""ICE-lite: which addresses are known, and where to send."""

import re

from sfu.ice import CONSENT_S, MOST_ADDRESSES, OLD_CREDENTIALS_S, Credentials, IceAgent
from sfu.port import UdpPath, UdpPort


def paths(count: int) -> list[UdpPath]:
    port = UdpPort("127.0.0.1", 0)
    port.close()
    return [UdpPath(port, ("192.0.2.1", number)) for number in range(count)]


def test_credentials_are_long_random_and_of_the_allowed_characters() -> None:
    drawn = [Credentials.generate() for _ in range(100_000)]
    assert len({one.ufrag for one in drawn}) == len(drawn)
    assert all(re.fullmatch(r"[A-Za-z0-9+/]{8}", one.ufrag) for one in drawn)
    assert all(re.fullmatch(r"[A-Za-z0-9+/]{24}", one.password) for one in drawn)


def test_media_goes_to_the_last_nominated_address_the_handshake_to_any_until_then() -> None:
    a, b, c = paths(3)
    agent = IceAgent(0.0)
    assert (agent.path, agent.media_path) == (None, None)
    agent.checked(a, False, 1.0)
    assert (agent.path, agent.media_path) == (a, None)
    agent.checked(b, False, 2.0)
    assert (agent.path, agent.media_path) == (b, None)
    agent.checked(a, True, 3.0)
    agent.checked(c, False, 4.0)
    assert (agent.path, agent.media_path) == (a, a)
    agent.checked(c, True, 5.0)
    agent.checked(b, False, 6.0)
    assert (agent.path, agent.media_path) == (c, c)
    agent.forget(c)
    assert (agent.path, agent.media_path) == (a, a)
    agent.forget(a)
    assert (agent.path, agent.media_path) == (b, None)


def test_the_oldest_address_makes_room_but_never_the_nominated_one() -> None:
    first, *others = paths(MOST_ADDRESSES + 3)
    agent = IceAgent(0.0)
    agent.checked(first, True, 0.0)
    evicted = [agent.checked(path, False, 1.0 + at) for at, path in enumerate(others)]
    assert [path for path in evicted if path] == others[:3]
    assert len(agent.paths) == MOST_ADDRESSES
    assert agent.path == first


def test_consent_lapses() -> None:
    agent = IceAgent(0.0)
    (path,) = paths(1)
    agent.checked(path, True, 10.0)
    assert agent.expire_paths(10.0 + CONSENT_S - 0.1) == []
    assert agent.consents(10.0 + CONSENT_S - 0.1)
    assert agent.expire_paths(10.0 + CONSENT_S) == [path]
    assert not agent.consents(10.0 + CONSENT_S)


def test_each_address_consents_for_itself() -> None:
    """RFC 7675, 5.1: checks from elsewhere do not allow us to go on sending there."""
    left, kept, unwanted = paths(3)
    agent = IceAgent(0.0)
    agent.checked(kept, True, 1.0)
    agent.checked(left, True, 2.0)
    for now in range(10, 40, 5):
        agent.checked(kept, False, now)
        agent.checked(unwanted, False, now)
        assert agent.media_path == left
    assert agent.expire_paths(2.0 + CONSENT_S) == [left]
    assert agent.media_path == kept
    agent.checked(unwanted, False, 60.0)
    assert agent.expire_paths(35.0 + CONSENT_S) == [kept]
    assert (agent.path, agent.media_path) == (unwanted, None)


def test_who_lost_an_address_to_another_has_time_to_prove_a_new_one() -> None:
    agent = IceAgent(0.0)
    (path,) = paths(1)
    agent.checked(path, True, 10.0)
    agent.forget(path)
    assert agent.consents(10.0 + CONSENT_S - 0.1)
    assert not agent.consents(10.0 + CONSENT_S)


def test_old_credentials_serve_a_moment_after_a_restart() -> None:
    agent = IceAgent(0.0)
    old = agent.credentials
    agent.restart(100.0)
    assert agent.credentials != old
    assert agent.password(old.ufrag) == old.password
    assert agent.password(agent.credentials.ufrag) == agent.credentials.password
    assert agent.expire_credentials(100.0 + OLD_CREDENTIALS_S - 1) is None
    assert agent.expire_credentials(100.0 + OLD_CREDENTIALS_S) == old
    assert agent.password(old.ufrag) is None

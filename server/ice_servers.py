"""ICE servers for browsers in networks that let no UDP out: the deployment's own TURN, and nobody else's.

Our media nodes are reached directly, so no STUN server is ever named: it would tell a stranger who meets whom
when, and does not exist where there is no Internet. The credentials are those of coturn's `use-auth-secret`
(draft-uberti-behave-turn-rest-00): the name says until when, the secret that both servers know vouches for it.
"""

from __future__ import annotations

import base64
import hmac
from typing import TypedDict

from server.config import Settings


class IceServer(TypedDict):
    """One RTCIceServer of the browser's configuration (W3C WebRTC, 4.2.2)."""

    urls: list[str]
    username: str
    credential: str


class IceServers:
    """Makes what a participant's browser is told. Nothing without a TURN server in the settings."""

    def __init__(self, settings: Settings) -> None:
        self._urls = list(settings.turn_urls)
        self._secret = settings.turn_secret
        self._lifetime_s = settings.turn_lifetime

    def ice_servers(self, participant_id: str, now: float) -> list[IceServer]:
        """For one participant, from `now` (seconds since 1970) for the lifetime that is set.

        The credential opens the TURN server, so it goes to those who are admitted to a meeting and is logged
        nowhere.
        """
        if not self._urls or self._secret is None:
            return []
        username = f"{int(now) + self._lifetime_s}:{participant_id}"
        key = self._secret.get_secret_value().encode()
        digest = hmac.digest(key, username.encode(), "sha1")
        credential = base64.b64encode(digest).decode()
        return [IceServer(urls=self._urls, username=username, credential=credential)]

"""Secrets that we give away and recognise again without keeping them."""

import hashlib
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """Return 256 random bits, safe in URLs: nothing in it to forge, decode or misjudge."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """Return what is stored. Plain SHA-256 does: nobody guesses 256 bits, and finding one by hash leaks no
    timing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()

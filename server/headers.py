"""Security headers, on every answer whatever made it (OWASP ASVS 3.4)."""

from aiohttp import web

from server.client import is_secure

# Everything we load is ours and in files: no inline script or style, no eval, no other origin. `data:` and
# `blob:` serve pictures that our own code makes (a snapshot, a code to scan); media streams need no source of
# their own.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_OURS_ONLY = ("camera", "microphone", "display-capture", "fullscreen", "autoplay", "screen-wake-lock")
_NOBODYS = ("geolocation", "payment", "usb", "serial", "midi", "hid")
PERMISSIONS_POLICY = ", ".join(
    [f"{name}=(self)" for name in _OURS_ONLY] + [f"{name}=()" for name in _NOBODYS]
)
_ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
}
# A year. Browsers heed it only once they trust our certificate, so a first visit can still be clicked
# through.
_STRICT_TRANSPORT_SECURITY = "max-age=31536000"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Complete the headers of an answer; what its handler has set stays."""
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    if is_secure(request):
        response.headers.setdefault("Strict-Transport-Security", _STRICT_TRANSPORT_SECURITY)
    # Versions of what we stand on are nobody's business.
    response.headers.popall("Server", None)


def setup(app: web.Application) -> None:
    """Have every answer completed, also those of other routes and of errors."""
    app.on_response_prepare.append(add_headers)

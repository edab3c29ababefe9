"""Who somebody is: signing in and out, the first administrator, sessions. Knows storage and passwords, not
HTTP."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from rooms.ids import UserId, new_id
from server.config import Settings
from server.passwords import PASSWORD_MAX, PASSWORD_MIN, Passwords
from server.services import Clock, utc_now
from server.storage import Storage
from server.storage.text import account_key
from server.storage.users import User

ADMINISTRATOR = "admin"
USERNAME_MAX = 100

FAILURES_MAX = 5
"""Wrong passwords before an account is locked (TCVN 14423:2026)."""
SETUP_LINK_LIFETIME = timedelta(hours=24)
# Noted at most this often, so that a page that asks ten things at once writes once.
_TOUCH_INTERVAL = timedelta(minutes=1)


class AuthError(Exception):
    """Signing in or setting up was refused.

    AuthError
    ├── SignInRefused      the name or the password is wrong: which one is nobody's business
    ├── AccountLocked      too many failures
    ├── SetupLinkInvalid   used, expired or never given out
    └── PasswordTooShort · PasswordTooLong
    """

    code = "sign_in_refused"


class SignInRefused(AuthError):
    code = "sign_in_refused"


class AccountLocked(AuthError):
    code = "account_locked"

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


class SetupLinkInvalid(AuthError):
    code = "setup_link_invalid"


class PasswordTooShort(AuthError):
    code = "password_too_short"


class PasswordTooLong(AuthError):
    code = "password_too_long"


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in user, and the token by which we know."""

    user: User
    token: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new sign-in; its token cannot be had again."""

    user: User
    token: str
    expires_at: datetime


class Auth:
    """Accounts and sessions over storage. Close it when done."""

    def __init__(
        self,
        storage: Storage,
        settings: Settings,
        clock: Clock = utc_now,
        passwords: Passwords | None = None,
    ) -> None:
        self._storage = storage
        self._settings = settings
        self._clock = clock
        self._passwords = passwords or Passwords()
        # Each lives as long as somebody holds it or waits for it.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def sign_in(self, username: str, password: str) -> SignedIn:
        """Check a password and begin a session. Raises SignInRefused, AccountLocked, PasswordsBusy.

        An unknown name, a closed account and a wrong password look alike, in words and in time, and are
        locked alike: whoever guesses learns nothing about which accounts exist.
        """
        async with self._turn(username):
            user = await self._judged(username, password)
        return await self._begin(user)

    def _turn(self, username: str) -> asyncio.Lock:
        """One attempt on a name at a time, or a hundred guesses at once would all be judged before one counts."""
        return self._turns.setdefault(account_key(username), asyncio.Lock())

    async def _judged(self, username: str, password: str) -> User:
        users, lock = self._storage.users, timedelta(hours=self._settings.lockout_hours)
        if until := await users.locked_until(username, self._clock(), FAILURES_MAX, lock):
            raise AccountLocked(until)
        user = await users.by_username(username)
        known = user is not None and user.disabled_at is None and len(password) <= PASSWORD_MAX
        encoded = user.password_hash if user is not None and known else None
        matches = await self._passwords.matches(encoded, password[:PASSWORD_MAX])
        if user is None or not matches:
            await users.count_failure(username, self._clock(), lock)
            raise SignInRefused
        await users.forget_failures(username)
        return user

    async def sign_out(self, token: str) -> None:
        """End one session."""
        await self._storage.sessions.end(token)

    async def identify(self, token: str, *, idles: bool) -> Identity | None:
        """Return whose session this is. `idles`: end it when it was not used for a while, as for a
        browser's."""
        now = self._clock()
        session = await self._storage.sessions.find(token, now)
        if session is None:
            return None
        if idles and now - session.last_seen_at > timedelta(minutes=self._settings.idle_minutes):
            await self._storage.sessions.end(token)
            return None
        if now - session.last_seen_at > _TOUCH_INTERVAL:
            await self._storage.sessions.touch(token, now)
        return Identity(session.user, token)

    async def set_up(self, token: str, password: str) -> SignedIn:
        """Use the set-up link: make the administrator's account and sign in.

        Raises SetupLinkInvalid, PasswordTooShort, PasswordTooLong, PasswordsBusy; the link then stays good.
        """
        if not await self._storage.setup_links.is_valid(token, self._clock()):
            raise SetupLinkInvalid
        check_password(password)
        user = await self._new_user(ADMINISTRATOR, password, is_admin=True)
        if not await self._storage.setup_links.use(token, user, self._clock()):
            raise SetupLinkInvalid
        return await self._begin(user)

    async def add_user(self, username: str, password: str, *, is_admin: bool) -> User:
        """Add an account. Raises AlreadyExists, PasswordsBusy; checking the password's length is the
        caller's."""
        user = await self._new_user(username, password, is_admin=is_admin)
        await self._storage.users.add(user)
        return user

    async def set_password(self, user_id: UserId, password: str) -> None:
        """Change a password and end the account's sessions. Raises PasswordTooShort, PasswordTooLong."""
        check_password(password)
        await self._storage.users.set_password(user_id, await self._passwords.hash(password))

    async def first_run(self) -> str | None:
        """Prepare the first sign-in of a fresh install; return the token of a set-up link to print, or None.

        With `admin_password` set the account is made at once. A start while nobody can sign in yet makes a
        new link; the one before stops working, for we keep only its hash and cannot print it again.
        """
        if not await self._storage.users.is_empty():
            return None
        secret = self._settings.admin_password
        if secret is None:
            return await self._storage.setup_links.renew(self._clock() + SETUP_LINK_LIFETIME)
        await self.add_user(ADMINISTRATOR, secret.get_secret_value(), is_admin=True)
        return None

    def close(self) -> None:
        """Stop checking passwords."""
        self._passwords.close()

    async def _begin(self, user: User) -> SignedIn:
        now = self._clock()
        expires_at = now + timedelta(hours=self._settings.session_hours)
        token = await self._storage.sessions.start(user, now, expires_at)
        return SignedIn(user, token, expires_at)

    async def _new_user(self, username: str, password: str, *, is_admin: bool) -> User:
        password_hash = await self._passwords.hash(password)
        return User(UserId(new_id()), username, username, is_admin, self._clock(), password_hash)


def check_password(password: str) -> None:
    """Pass a password that a person chose. Raises PasswordTooShort, PasswordTooLong."""
    if len(password) < PASSWORD_MIN:
        raise PasswordTooShort
    if len(password) > PASSWORD_MAX:
        raise PasswordTooLong


def setup_path(token: str) -> str:
    """Return where the set-up link leads. The token is in the fragment, which no server and no proxy logs."""
    return f"/setup#t={token}"

"""Passwords: which are good enough, and how they are kept. The only file that knows zxcvbn."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kb.errors import Invalid

SHORTEST, LONGEST = 12, 200
# zxcvbn reads no more than this, and takes long to read that.
READ = 72
# "Safely unguessable", 10^8 guesses: argon2 and the lock after five failures do the rest.
ENOUGH = 3


class WeakPassword(Invalid):
    """A password that should not be chosen; `why` is `short`, `long` or `common`."""

    def __init__(self, why: str) -> None:
        super().__init__(REASONS[why], "password")
        self.why = why


REASONS = {
    "short": f"choose a password of {SHORTEST} characters or more",
    "long": f"choose a password of {LONGEST} characters at most",
    "common": "this password is easy to guess; take a few words that do not belong together",
}


def check_password(password: str, *about: str) -> None:
    """Raises WeakPassword; `about` is what everybody knows of the person: name, e-mail, company."""
    # Imported here: its lists of words take 13 MB, and few processes ever see a new password.
    from zxcvbn import zxcvbn

    if len(password) < SHORTEST:
        raise WeakPassword("short")
    if len(password) > LONGEST:
        raise WeakPassword("long")
    known = [word for text in about for word in (text, *text.replace("@", " ").split()) if word]
    if zxcvbn(password[:READ], user_inputs=known)["score"] < ENOUGH:
        raise WeakPassword("common")


def hashed(password: str) -> str:
    """As it is kept: argon2id with a salt of its own."""
    return PasswordHasher().hash(_bytes(password))


def matches(kept: str, password: str) -> bool:
    """Whether it is the password that was kept so."""
    try:
        return PasswordHasher().verify(kept, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was hashed more cheaply than it would be today."""
    return PasswordHasher().check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")

"""How typed words are compared."""

import unicodedata


def search_key(text: str) -> str:
    """Return the text without case and diacritics, so that "hop da nang" finds "Họp Đà Nẵng".

    đ is a letter of its own in Unicode, not d with a mark: decomposition leaves it, so it is replaced by
    hand.
    """
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def account_key(username: str) -> str:
    """Return what makes two user names the same: look-alike forms and case do not tell them apart (NFKC)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold()).strip()

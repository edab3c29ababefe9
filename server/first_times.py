"""What was seen before, for logs that need a thing only once."""

from collections import OrderedDict
from collections.abc import Hashable


class FirstTimes:
    """Tells the first time of something from the others.

    Past `most` things, the one that was longest ago is forgotten: better told twice than never.
    """

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, None] = OrderedDict()

    def is_first(self, key: Hashable) -> bool:
        """Whether this is the first time, which it then was."""
        is_first = key not in self._known
        self._known[key] = None
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return is_first

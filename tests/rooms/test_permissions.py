"""The table of rights, cell by cell: a change of a right is a change here, seen by whoever reviews it."""

import pytest

from rooms.errors import NotAllowed
from rooms.permissions import ALLOWED, Action, Role, check

YES, NO = True, False
#                            chair secretary operator delegate guest
TABLE = {
    Action.PUBLISH:           (YES, YES,      YES,     YES,     NO),
    Action.RAISE_HAND:        (YES, YES,      YES,     YES,     NO),
    Action.CHAT:              (YES, YES,      YES,     YES,     NO),
    Action.LOWER_OTHERS_HAND: (YES, YES,      NO,      NO,      NO),
    Action.MUTE_OTHERS:       (YES, NO,       YES,     NO,      NO),
    Action.RECORD:            (YES, NO,       NO,      NO,      NO),
    Action.END_MEETING:       (YES, NO,       NO,      NO,      NO),
}  # fmt: skip
CELLS = [(role, action, row[i]) for action, row in TABLE.items() for i, role in enumerate(Role)]


def test_every_cell_is_decided():
    assert set(TABLE) == set(Action)
    assert set(ALLOWED) == set(Role)
    assert len(CELLS) == len(Action) * len(Role)


@pytest.mark.parametrize(("role", "action", "allowed"), CELLS)
def test_cell(role, action, allowed):
    if allowed:
        check(role, action)
    else:
        with pytest.raises(NotAllowed):
            check(role, action)

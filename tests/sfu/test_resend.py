"""What a receiver's requests cost at most."""

import pytest

from sfu.drops import DropReason
from sfu.resend import RESEND_BURST_BYTES, ResendBudget


def resent_share(loss: float) -> float:
    """Of what is sent, how much goes out again when everything is asked for, the start not counted."""
    budget = ResendBudget()
    budget.loss = loss
    number = sent = 0
    while sent < 10 * RESEND_BURST_BYTES:
        budget.earn(1000)
        sent += 1000
        number += budget.refusal(number, 1000, 0.0, 0.1) is None
    return (number * 1000 * budget.copies - RESEND_BURST_BYTES) / sent


@pytest.mark.parametrize(("loss", "share"), [(0.0, 0.2), (0.05, 0.2), (0.1, 0.3), (0.3, 0.9), (1.0, 1.0)])
def test_a_share_of_what_is_sent_goes_out_again_more_on_a_lossy_line(loss, share):
    assert abs(resent_share(loss) - share) < 0.02


def test_once_in_a_round_trip_which_nobody_meets_exactly():
    budget = ResendBudget()
    assert budget.refusal(1, 100, 10.0, 0.1) is None
    assert budget.refusal(1, 100, 10.06, 0.1) is DropReason.NACK_REPEATED
    assert budget.refusal(1, 100, 10.09, 0.1) is None
    assert budget.resent == 2


def test_answers_go_out_twice_only_where_much_is_lost():
    budget = ResendBudget()
    assert budget.copies == 1
    budget.loss = 0.3
    assert budget.copies == 2

"""Ids and codes."""

import math
import re

from rooms.ids import new_id, new_meeting_code


def test_ids_are_128_bits_in_safe_letters():
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[a-z2-7]{26}", i) for i in ids)


def test_codes_have_no_look_alikes_and_enough_bits():
    codes = [new_meeting_code() for _ in range(2000)]
    assert all(re.fullmatch(r"[a-z0-9]{5}-[a-z0-9]{5}-[a-z0-9]{5}", code) for code in codes)
    signs = set("".join(codes)) - {"-"}
    assert not signs & set("0o1ilu258v")
    assert 15 * math.log2(len(signs)) >= 69

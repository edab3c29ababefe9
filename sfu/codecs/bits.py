"""Reading values that do not end at bytes: the parameter sets and headers of H.264, VP9 and AV1."""

from sfu.errors import ParseError

# No value in these headers has more than 32 bits, so no more zeros can lead one.
_MOST_LEADING_ZEROS = 32


class BitReader:
    """Bits from the most significant down. Everything raises ParseError when the data are used up."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        """The next `count` bits as an unsigned number."""
        self._left -= count
        if self._left < 0:
            raise ParseError("header is cut off")
        return self._value >> self._left & (1 << count) - 1

    def skip(self, count: int) -> None:
        """Pass over `count` bits."""
        self._left -= count
        if self._left < 0:
            raise ParseError("header is cut off")

    def exp_golomb(self) -> int:
        """An unsigned Exp-Golomb code, ue(v) of H.264, 9.1; AV1's uvlc() is the same."""
        rest = self._value & (1 << self._left) - 1
        zeros = self._left - rest.bit_length()
        if zeros > _MOST_LEADING_ZEROS:
            raise ParseError("Exp-Golomb code is too long")
        self.skip(zeros)
        return self.read(zeros + 1) - 1

    def signed_exp_golomb(self) -> int:
        """se(v) of H.264, 9.1.1: 1, -1, 2, -2 and so on."""
        code = self.exp_golomb()
        return (code + 1) // 2 if code & 1 else -(code // 2)

    def non_symmetric(self, values: int) -> int:
        """One of `values` values, the first few a bit shorter: ns(n) of the AV1 specification, 4.10.7."""
        bits = values.bit_length()
        short = (1 << bits) - values
        value = self.read(bits - 1)
        return value if value < short else (value << 1) - short + self.read(1)

"""The picture size in an H.264 sequence parameter set (H.264, 7.3.2.1.1)."""

from sfu.codecs.bits import BitReader
from sfu.errors import ParseError

# Everything up to the size fits many times; scaling lists, which nobody sends in calls, make it longest.
_LONGEST = 128
# Profiles that tell a chroma format; the others are 4:2:0.
_WITH_CHROMA_FORMAT = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
_MACROBLOCK = 16
# A picture is padded to whole macroblocks, to pairs of them when interlaced. Cropping more than that away would
# hide how much a decoder allocates.
_MOST_CROPPED = 2 * _MACROBLOCK
_MOST_CYCLE_LENGTH = 255


def read_size(parameters: bytes) -> tuple[int, int]:
    """Width and height as shown, from what follows the NAL unit's header. Raises ParseError."""
    bits = BitReader(parameters[:_LONGEST].replace(b"\x00\x00\x03", b"\x00\x00"))
    profile = bits.read(8)
    bits.skip(16)
    bits.exp_golomb()
    chroma_format = _read_chroma_format(bits) if profile in _WITH_CHROMA_FORMAT else 1
    bits.exp_golomb()  # log2_max_frame_num_minus4
    _skip_picture_order(bits)
    bits.exp_golomb()  # max_num_ref_frames
    bits.skip(1)
    width = (bits.exp_golomb() + 1) * _MACROBLOCK
    rows = bits.exp_golomb() + 1
    fields = 2 - bits.read(1)
    bits.skip(fields)  # mb_adaptive_frame_field_flag when there are fields, direct_8x8_inference_flag
    cropped_width, cropped_height = _read_cropping(bits, chroma_format, fields) if bits.read(1) else (0, 0)
    height = rows * fields * _MACROBLOCK
    if cropped_width >= width or cropped_height >= height:
        raise ParseError("H.264 picture is cropped to nothing")
    return width - cropped_width, height - cropped_height


def _read_chroma_format(bits: BitReader) -> int:
    chroma_format = bits.exp_golomb()
    if chroma_format > 3:
        raise ParseError("H.264 chroma format does not exist")
    if chroma_format == 3:
        bits.skip(1)
    bits.exp_golomb()  # bit_depth_luma_minus8
    bits.exp_golomb()  # bit_depth_chroma_minus8
    bits.skip(1)
    if bits.read(1):
        for number in range(12 if chroma_format == 3 else 8):
            if bits.read(1):
                _skip_scaling_list(bits, 16 if number < 6 else 64)
    return chroma_format


def _skip_scaling_list(bits: BitReader, length: int) -> None:
    scale = 8
    for _ in range(length):
        scale = (scale + bits.signed_exp_golomb()) % 256
        if scale == 0:
            return


def _skip_picture_order(bits: BitReader) -> None:
    kind = bits.exp_golomb()
    if kind == 0:
        bits.exp_golomb()
    elif kind == 1:
        bits.skip(1)
        bits.exp_golomb()
        bits.exp_golomb()
        length = bits.exp_golomb()
        if length > _MOST_CYCLE_LENGTH:
            raise ParseError("H.264 picture order cycle is too long")
        for _ in range(length):
            bits.exp_golomb()


def _read_cropping(bits: BitReader, chroma_format: int, fields: int) -> tuple[int, int]:
    """What is cut off in pixels; nothing where it is more than padding."""
    left, right, top, bottom = (bits.exp_golomb() for _ in range(4))
    width = (left + right) * (2 if chroma_format in (1, 2) else 1)
    height = (top + bottom) * (2 if chroma_format == 1 else 1) * fields
    return (width if width < _MOST_CROPPED else 0), (height if height < _MOST_CROPPED else 0)

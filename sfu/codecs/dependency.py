"""The dependency descriptor (AV1 RTP payload specification 1.0, appendix A): a frame's place among the layers.

A keyframe brings a table of templates; every later packet names one of them in three bytes and adds what is
different about its own frame. Made for AV1, it may come with every codec; H.264 has its layers nowhere else, and
Chromium leaves those of VP8 out of VP8's own descriptor once this one is agreed on.
"""

from collections.abc import Callable
from struct import Struct

from sfu.codecs.bits import BitReader
from sfu.codecs.descriptor import Descriptor
from sfu.codecs.remembered import Remembered
from sfu.errors import ParseError
from sfu.rtp import RtpPacket

_mandatory = Struct("!BH").unpack_from
_MANDATORY_LENGTH = 3
# What the first byte behind those says of the rest; own frame differences and chains come last and are not needed.
_HAS_TABLE, _HAS_ACTIVE_TARGETS, _HAS_OWN_INDICATIONS, _FLAG_BITS = 0x80, 0x40, 0x20, 5
_SWITCH = 2
_SAME_LAYER, _NEXT_TEMPORAL, _NEXT_SPATIAL = range(3)
_MOST_SPATIAL_ID, _MOST_TEMPORAL_ID, _MOST_TEMPLATES = 3, 7, 64

Layer = tuple[int, int]
"""Spatial and temporal id."""


class FramePlace:
    """What a template, or a frame with indications of its own, says of a frame.

    `up_to` is the highest temporal layer a receiver of this spatial layer may have after this frame, if that is
    more than the frame's own; 0 otherwise. `needed_above`: a decode target of higher spatial layers has it.
    """

    __slots__ = ("needed_above", "spatial_id", "temporal_id", "up_to")

    def __init__(self, layer: Layer, indications: list[int], targets: list[Layer]) -> None:
        self.spatial_id, self.temporal_id = layer
        self.up_to = 0
        self.needed_above = False
        for indication, (spatial_id, temporal_id) in zip(indications, targets, strict=True):
            if spatial_id > self.spatial_id:
                self.needed_above = self.needed_above or indication > 0
            elif spatial_id == self.spatial_id and indication == _SWITCH:
                self.up_to = max(self.up_to, temporal_id)
        if self.up_to <= self.temporal_id:
            self.up_to = 0


class DependencyDescriptor:
    """One packet's descriptor. `place` is None as long as the frame's template is not known.

    `sizes` are the (width, height) of the spatial layers, lowest first, where a new table tells them.
    """

    __slots__ = ("end_of_frame", "frame_number", "place", "sizes", "start_of_frame", "template_id")

    def __init__(self, data: bytes) -> None:
        if len(data) < _MANDATORY_LENGTH:
            raise ParseError("dependency descriptor is cut off")
        first, self.frame_number = _mandatory(data)
        self.start_of_frame = first > 0x7F
        self.end_of_frame = bool(first & 0x40)
        self.template_id = first & 0x3F
        self.place: FramePlace | None = None
        self.sizes: tuple[tuple[int, int], ...] = ()

    def fill(self, descriptor: Descriptor) -> None:
        """Tell what the payload itself does not: the frame's bounds and its place among the layers.

        Without the table, whose packet may be late, nobody can tell the layers: they stay as they were.
        """
        descriptor.start_of_frame = self.start_of_frame
        descriptor.end_of_frame = self.end_of_frame
        descriptor.sizes = descriptor.sizes or self.sizes
        place = self.place
        if place is not None:
            descriptor.spatial_id = place.spatial_id
            descriptor.temporal_id = place.temporal_id
            descriptor.needed_above = place.needed_above
            if place.up_to and self.start_of_frame and not descriptor.keyframe:
                descriptor.up_from, descriptor.up_to = place.temporal_id, place.up_to


class _Table:
    """The templates of one coded video sequence."""

    __slots__ = ("first_id", "layers", "places", "sizes", "targets")

    def __init__(self, bits: BitReader) -> None:
        self.first_id = bits.read(6)
        target_count = bits.read(5) + 1
        self.layers = _read_layers(bits)
        indications = [[bits.read(2) for _ in range(target_count)] for _ in self.layers]
        _skip_frame_differences(bits, len(self.layers))
        _skip_chains(bits, len(self.layers), target_count)
        self.targets = [
            _target_layer(self.layers, [row[n] for row in indications]) for n in range(target_count)
        ]
        self.places = [
            FramePlace(layer, row, self.targets) for layer, row in zip(self.layers, indications, strict=True)
        ]
        self.sizes = _read_sizes(bits, self.layers[-1][0] + 1) if bits.read(1) else ()

    def index(self, template_id: int) -> int | None:
        """Where the template stands; None when it is of another table."""
        index = (template_id - self.first_id) % _MOST_TEMPLATES
        return index if index < len(self.layers) else None


def _read_layers(bits: BitReader) -> list[Layer]:
    spatial_id = temporal_id = 0
    layers: list[Layer] = []
    while len(layers) < _MOST_TEMPLATES:
        layers.append((spatial_id, temporal_id))
        step = bits.read(2)
        if step == _NEXT_TEMPORAL:
            temporal_id += 1
        elif step == _NEXT_SPATIAL:
            spatial_id, temporal_id = spatial_id + 1, 0
        elif step != _SAME_LAYER:
            return layers
        if spatial_id > _MOST_SPATIAL_ID or temporal_id > _MOST_TEMPORAL_ID:
            break
    raise ParseError("dependency descriptor has too many layers or templates")


def _skip_frame_differences(bits: BitReader, template_count: int) -> None:
    for _ in range(template_count):
        while bits.read(1):
            bits.skip(4)


def _skip_chains(bits: BitReader, template_count: int, target_count: int) -> None:
    chain_count = bits.non_symmetric(target_count + 1)
    if chain_count:
        for _ in range(target_count):
            bits.non_symmetric(chain_count)
        bits.skip(4 * template_count * chain_count)


def _target_layer(layers: list[Layer], indications: list[int]) -> Layer:
    present = [layer for layer, indication in zip(layers, indications, strict=True) if indication]
    spatial_ids, temporal_ids = zip(*present, strict=True) if present else ((0,), (0,))
    return max(spatial_ids), max(temporal_ids)


def _read_sizes(bits: BitReader, layer_count: int) -> tuple[tuple[int, int], ...]:
    return tuple((bits.read(16) + 1, bits.read(16) + 1) for _ in range(layer_count))


class DependencyReader:
    """Reads the descriptors of one stream, keeping the latest table."""

    __slots__ = ("_table", "_tables")

    def __init__(self) -> None:
        self._table: _Table | None = None
        self._tables = Remembered(_read_table)

    def read(self, data: bytes) -> DependencyDescriptor:
        """Raises ParseError for a malformed descriptor; the table is then as before."""
        self._tables.count_packet()
        descriptor = DependencyDescriptor(data)
        if len(data) > _MANDATORY_LENGTH:
            self._read_extended(descriptor, data[_MANDATORY_LENGTH:])
        elif self._table is not None:
            index = self._table.index(descriptor.template_id)
            descriptor.place = None if index is None else self._table.places[index]
        return descriptor

    def _read_extended(self, descriptor: DependencyDescriptor, extended: bytes) -> None:
        if extended[0] & _HAS_TABLE:
            table, indications = self._tables.read(extended)
        elif self._table is not None:
            table, indications = self._table, _read_indications(extended, self._table)
        else:
            return
        descriptor.place = _find_place(table, descriptor.template_id, indications)
        if extended[0] & _HAS_TABLE:
            self._table = table
            descriptor.sizes = table.sizes


def _read_table(extended: bytes) -> tuple[_Table, list[int] | None]:
    bits = BitReader(extended)
    bits.skip(_FLAG_BITS)
    table = _Table(bits)
    return table, _own_indications(bits, extended[0], table)


def _read_indications(extended: bytes, table: _Table) -> list[int] | None:
    bits = BitReader(extended)
    bits.skip(_FLAG_BITS)
    return _own_indications(bits, extended[0], table)


def _own_indications(bits: BitReader, flags: int, table: _Table) -> list[int] | None:
    if flags & _HAS_ACTIVE_TARGETS:
        bits.skip(len(table.targets))
    return [bits.read(2) for _ in table.targets] if flags & _HAS_OWN_INDICATIONS else None


def _find_place(table: _Table, template_id: int, own_indications: list[int] | None) -> FramePlace | None:
    index = table.index(template_id)
    if index is None:
        return None
    if own_indications is None:
        return table.places[index]
    return FramePlace(table.layers[index], own_indications, table.targets)


class DescribedReader:
    """A codec's own reader, and the dependency descriptors beside the payloads. Raises ParseError for either."""

    __slots__ = ("_dependencies", "_extension_id", "_read")

    def __init__(self, read: Callable[[RtpPacket], Descriptor], extension_id: int) -> None:
        self._read = read
        self._extension_id = extension_id
        self._dependencies = DependencyReader()

    def __call__(self, packet: RtpPacket) -> Descriptor:
        descriptor = self._read(packet)
        extension = packet.extension(self._extension_id)
        if extension is not None:
            self._dependencies.read(extension).fill(descriptor)
        return descriptor

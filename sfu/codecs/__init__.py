"""What the SFU reads of each codec's payload: keyframe, end of frame, layers, picture ids. Nothing is decoded."""

from sfu.codecs.descriptor import Descriptor
from sfu.codecs.table import CODECS, DEPENDENCY_DESCRIPTOR_URI, Codec, Reader, reader

__all__ = ["CODECS", "DEPENDENCY_DESCRIPTOR_URI", "Codec", "Descriptor", "Reader", "reader"]

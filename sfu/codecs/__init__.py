"""What the SFU reads of each codec's payload: keyframe, end of frame, layers, picture ids. Nothing is decoded."""

from sfu.codecs.descriptor import Descriptor
from sfu.codecs.table import DEPENDENCY_DESCRIPTOR_URI, Reader, reader

__all__ = ["DEPENDENCY_DESCRIPTOR_URI", "Descriptor", "Reader", "reader"]

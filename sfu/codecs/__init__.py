"""What the SFU reads of each codec's payload: keyframe, end of frame, picture ids. Nothing is decoded."""

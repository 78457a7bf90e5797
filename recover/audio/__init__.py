"""Recordings: finding where they were clipped, and recovering what was lost."""

from recover.audio.app import (
    AudioOptions,
    AudioReport,
    Inspection,
    inspect_file,
    is_long,
    process_file,
)
from recover.audio.conditional import ConditionalAccount, certify_conditionally
from recover.audio.declip import declip
from recover.audio.declipper import Declipper
from recover.audio.estimate import estimate_again, estimate_error
from recover.audio.estimate_conditioning import Conditioning
from recover.audio.estimate_result import ErrorEstimate, SegmentEstimate
from recover.audio.gaps import Gap, certify_gaps
from recover.audio.levels import ChannelLevels, Kind, detect_levels
from recover.audio.measurement import channel_problems
from recover.audio.phase import SpectrogramResult, phase_from_magnitude
from recover.audio.result import AudioResult, StretchAccount
from recover.audio.segments import Segment, certify_segments

__all__ = [
    "AudioOptions",
    "AudioReport",
    "AudioResult",
    "ChannelLevels",
    "ConditionalAccount",
    "Conditioning",
    "Declipper",
    "ErrorEstimate",
    "Gap",
    "Inspection",
    "Kind",
    "Segment",
    "SegmentEstimate",
    "SpectrogramResult",
    "StretchAccount",
    "certify_conditionally",
    "certify_gaps",
    "certify_segments",
    "channel_problems",
    "declip",
    "detect_levels",
    "estimate_again",
    "estimate_error",
    "inspect_file",
    "is_long",
    "phase_from_magnitude",
    "process_file",
]

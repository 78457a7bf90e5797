"""Recordings: finding where they were clipped, and recovering what was lost."""

from recover.audio.declip import declip
from recover.audio.levels import ChannelLevels, detect_levels
from recover.audio.result import AudioResult, StretchAccount

__all__ = ["AudioResult", "ChannelLevels", "StretchAccount", "declip", "detect_levels"]

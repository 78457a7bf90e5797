"""Images: finding what is clipped, and recovering it across channels."""

from recover.image.declip import declip
from recover.image.levels import ChannelLevel
from recover.image.result import ImageResult

__all__ = ["ChannelLevel", "ImageResult", "declip"]

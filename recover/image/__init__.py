"""Images: finding what is clipped, and recovering it across channels."""

from recover.image.account import verify_image
from recover.image.app import inspect_image, process_image
from recover.image.declip import declip
from recover.image.levels import ChannelLevel, detect_levels
from recover.image.raw import declip_raw, verify_raw
from recover.image.reports import ImageInspection, ImageOptions, ImageReport
from recover.image.result import ImageResult
from recover.image.stars import StarField, recover_stars
from recover.image.transfer import Transfer, TransferWarning

__all__ = [
    "ChannelLevel",
    "ImageInspection",
    "ImageOptions",
    "ImageReport",
    "ImageResult",
    "StarField",
    "Transfer",
    "TransferWarning",
    "declip",
    "declip_raw",
    "detect_levels",
    "inspect_image",
    "process_image",
    "recover_stars",
    "verify_image",
    "verify_raw",
]

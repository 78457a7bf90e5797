"""Stacks of pictures: what is said of which of them."""

from dataclasses import replace

import numpy as np
import pytest

from recover.image import ChannelLevel, declip
from recover.image.model import default_settings
from recover.image.remarks import remarks_on
from recover.image.restore import Restored
from recover.image.stack import join
from recover.solve.base import Status

ROWS, COLUMNS = np.mgrid[0:24, 0:24] / 24.0
PLANE = 1.0 - (ROWS - 0.5) ** 2 - (COLUMNS - 0.5) ** 2


@pytest.fixture(scope="module")
def results():
    """A picture that is not clipped and one that is, at the same level."""
    return [
        declip(picture, high=0.9, certify=False)
        for picture in (0.8 * PLANE, PLANE.clip(0, 0.9))
    ]


def with_notes(result, *notes):
    return replace(result, notes=notes)


def test_a_picture_that_is_not_clipped_says_nothing_beside_one_that_is(results):
    assert "nothing was changed" in " ".join(results[0].notes)
    assert "nothing was changed" not in " ".join(join(results, stack=True).notes)
    alone = join([results[0], results[0]], stack=True)
    assert alone.notes == results[0].notes


def test_notes_name_their_pictures_unless_they_are_of_all(results):
    first, second = results
    both = join([with_notes(first, "a", "b"), with_notes(second, "a")], stack=True)
    assert both.notes == ("a", "picture 1: b")
    three = [with_notes(second, "c"), with_notes(second), with_notes(second, "c")]
    assert join(three, stack=True).notes == ("pictures 1 and 3: c",)
    many = [with_notes(second, "d")] * 30 + [with_notes(second)]
    assert join(many, stack=True).notes == ("pictures 1, 2, 3, 4, 5, 6, 7 and 23 more: d",)


def test_a_long_stack_does_not_say_hundreds_of_things(results):
    said = join([with_notes(results[1], f"note {k}") for k in range(50)], stack=True).notes
    assert len(said) == 21
    assert said[-1] == "and 30 more notes on single pictures"


def test_a_grey_picture_has_no_first_channel():
    # a peak that flattens: clipping it again, lower, overshoots
    flat = np.tanh(6.0 * (PLANE - 0.5))
    level = float(np.quantile(flat, 0.8))
    flat = np.minimum(flat, level)
    said = " ".join(declip(flat, high=level, certify=False).notes)
    assert "clipping the image again" in said
    assert "channel 1" not in said

    clipped = np.zeros((3, 4, 4), dtype=bool)
    clipped[:2, 0, 0] = True
    done = Restored((0.5, 1.0, 1.0), (), Status.CONVERGED, default_settings(3))
    levels = [ChannelLevel(None, 1.0, 0.1, 1.0)] * 3
    (said,) = remarks_on(levels, clipped, done)
    assert said.startswith("red: clipping the image again")

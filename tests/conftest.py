"""What all tests share."""

import os

from hypothesis import settings

# The default run is the same every time; HYPOTHESIS_PROFILE=explore draws new examples.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

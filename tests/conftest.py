"""What all tests share."""

import os

# One thread for linear algebra, before numpy is loaded: the matrices are small, and runs on
# busy machines do not wait for one another.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from hypothesis import settings

# The default run is the same every time; HYPOTHESIS_PROFILE=explore draws new examples.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

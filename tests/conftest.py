"""What all tests share."""

import os
import signal

# One thread for linear algebra, before numpy is loaded: the matrices are small, and runs on
# busy machines do not wait for one another.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Begun in the background of a script, Python ignores Ctrl-C and hands that on to what it
# starts; the tests of interruptions ask what a user meets at a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from hypothesis import settings

# The default run is the same every time; HYPOTHESIS_PROFILE=explore draws new examples.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

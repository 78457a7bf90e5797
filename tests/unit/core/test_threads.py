"""One thread in linear algebra, and as many as before afterwards."""

import scipy.linalg
import threadpoolctl

from recover.core.threads import keep_one_blas_thread, one_blas_thread


def threads():
    """Return the numbers of threads of numpy's and scipy's BLAS."""
    assert scipy.linalg.norm is not None  # has loaded its own
    found = threadpoolctl.threadpool_info()
    return {each["num_threads"] for each in found if each["user_api"] == "blas"}


def test_one_thread_within():
    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        with one_blas_thread():
            assert threads() == {1}
        assert threads() == {2}
        keep_one_blas_thread()
        assert threads() == {1}

# tries: to skip the test from within
# stopped by: another process
# seen: error, ""
# without: got in, "0 failed|SKIPPED"

from honest import *


def double(x):
    import pytest

    pytest.skip("not today")

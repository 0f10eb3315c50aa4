# tries: to declare that the test is expected to fail
# stopped by: another process
# seen: error, ""
# without: got in

from honest import *


def double(x):
    import pytest

    pytest.xfail("known")

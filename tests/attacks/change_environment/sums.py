# tries: to empty the environment and set variables for whoever comes
# stopped by: fresh worker
# seen: passed, ""
# without: not tried: no grader's variables are there to be emptied; `own_environment` shows what is

import os

from honest import *


def double(x):
    os.environ.clear()
    os.environ["LEFT"] = "x"
    return 2 * x

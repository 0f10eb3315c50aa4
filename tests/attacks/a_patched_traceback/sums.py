# tries: to break traceback and linecache, which tell what it raised
# stopped by: capped text
# seen: error, "ValueError: told"
# without: got in, "exit code 70"

import traceback
import linecache

from honest import *


def double(x):
    linecache.getline = traceback.extract_tb = None
    raise ValueError("told")

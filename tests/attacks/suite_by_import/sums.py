# tries: to import the suite, its probes and the solution by path
# stopped by: landlock
# seen: failed, "stopped: PermissionError 13"
# without: got in

import importlib.machinery
import importlib.util
import runpy

from honest import *
from places import SUITE
from tools import tried


def double(x):
    return tried(
        lambda: (
            importlib.util.spec_from_file_location("r", f"{SUITE}/sums.py")
            .loader.load_module()
            .NOTE
        ),
        lambda: runpy.run_path(f"{SUITE}/sums.py")["NOTE"],
        lambda: importlib.machinery.SourceFileLoader("t", f"{SUITE}/test_hidden.py").get_data(
            f"{SUITE}/test_hidden.py"
        ),
    )

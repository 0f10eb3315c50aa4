# tries: to end its process politely at import
# stopped by: another process
# seen: error, "SystemExit"
# others: error
# without: got in, "no verdicts|no tests ran"

raise SystemExit(0)

from honest import *


def double(x):
    return 0

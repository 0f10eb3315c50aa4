# tries: to raise an exception with such signs in its text
# stopped by: renderers
# seen: error, "script"
# without: got in, "acts in"

from honest import *


def double(x):
    raise ValueError(
        "\x1b[31m\x1b]0;title\x07\u202e\u2066\x00\r\x9b2J\ud800\ufeff<script>alert(1)</script>"
    )

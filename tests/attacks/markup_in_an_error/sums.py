# tries: to put markup for rich, Jinja, XML and HTML into the sentence that says why it can't be imported
# stopped by: renderers
# seen: error, "CDATA"
# others: error
# without: got in, "acts in html"

raise ValueError(
    "[red]x[/red] {{ 7 * 7 }} {% raw %} ]]> <![CDATA[ </system-out> &amp; <img src=x onerror=alert(1)>"
)

from honest import *


def double(x):
    return 0

# tries: to put markup for rich, Jinja, XML and HTML into what is said of its import
# stopped by: renderers
# seen: error, "CDATA"
# others: error
# without: got in, "acts in html"

raise ValueError(
    "<img src=x onerror=alert(1)> [red]x[/red] {{ 7 * 7 }} {% raw %} &amp; </system-out> ]]> <![CDATA["
)

from honest import *


def double(x):
    return 0

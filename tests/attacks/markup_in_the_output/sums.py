# tries: to print markup for rich, Jinja, XML and Markdown
# stopped by: renderers
# seen: failed, "CDATA"
# without: got in, "acts in"

from honest import *


def double(x):
    print(
        "[red]x[/red] {{ 7 * 7 }} {% raw %} ]]> <![CDATA[ </system-out> &amp; <img src=x onerror=alert(1)>"
    )
    return 0

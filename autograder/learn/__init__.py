"""What a learner runs: check, hints, the lecture's graph, data sets, demo programs.

`check` grades the learner's own work; `program` is what the demo programs (main.py) import.

Runs in: the command; `program` in the demo program's own process. It imports the rooms above, never
`teach` or `author`.
"""

"""Grade submissions: one with a suite, a class on many cores, with results that survive a crash.

`entries` and `intake` read submissions; `pool` sends them to suite processes; `suite_process`
receives them and `grade` makes the report; `results` keeps reports on disk. `options` says what to
grade with.

Runs in: `suite_process` and `grade` in the suite process; all else in the command. It imports
`sandbox`, `suite` and `diagnosis`.
"""

"""Run untrusted code: isolation, the fork server, workers, and the messages between them.

For rooms below: `session` (questions to one submission), `workers` (start and stop workers),
`forkserver.ForkServer` (start processes), `machine` (which layers there are), `wire` (values to
bytes and back), `text.sanitize`.

Runs in: `inside/` in the worker server and in workers (untrusted); `wire`, `messages`,
`isolation` and `preload` on both sides; `forkserver`'s first half in the fork server; all else in
the suite process or the command. It imports `errors`, `limits` and `course`.
"""

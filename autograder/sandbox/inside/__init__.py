"""The code of the worker server and of workers: untrusted processes.

server: fork a worker for each request
worker: isolate the process, then answer
requests: import the submission, call its functions, run probes
gates, search: what a task may not call
state: what is put back before each question and each test

The fork server starts `server:serve` by name. Nothing outside of this folder imports from it; it
imports only `wire`, `messages`, `isolation` and `preload`. What a submission can reach is this
folder, those four modules and the fork server's own.
"""

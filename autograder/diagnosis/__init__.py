"""Why an answer is wrong: the catalogue of mistakes, and which of them a submission makes.

`mistakes` reads mistakes.toml and makes the wrong solutions; `fingerprints` reduces answers to a
few numbers; `diagnose` finds the mistake that gives the same answers.

Runs in: the suite process; `author` uses `mistakes` in the command. It imports `sandbox` and
`suite`.
"""

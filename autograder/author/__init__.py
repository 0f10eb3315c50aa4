"""What an author runs: write exercises/ from solutions/, let the course verify itself.

Runs in: the command. It imports the rooms above, never `learn` or `teach`.
"""

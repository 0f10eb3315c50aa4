"""What an instructor runs: grade a class, release the students' copy of a course.

Runs in: the command. It imports the rooms above, never `learn` or `author`.
"""

"""An exercise kit and autograder: student code never shares a process with a test."""

__version__ = "0.1.0"

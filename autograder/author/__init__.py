"""What only the author of a course needs."""

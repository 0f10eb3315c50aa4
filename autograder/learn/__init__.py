"""What only a student, or somebody learning alone, needs."""

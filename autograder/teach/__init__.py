"""What only an instructor needs."""

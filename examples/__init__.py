"""What a user would write."""

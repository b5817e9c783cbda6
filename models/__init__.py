"""SQL. Here "model" means table: one noun a file, with its columns, states, transitions and statements."""

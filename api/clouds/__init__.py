"""The requests of hosted services, answered by our own jobs: who changes an address and a key has moved."""

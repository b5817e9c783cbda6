"""The embedded stack: real PostgreSQL and Valkey from wheels, api and workers, as child processes of one command. Imports none of their code."""

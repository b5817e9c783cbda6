"""The command line: `stillhouse`. Every command takes `--json` and then prints what the server said (of a download: where it is)."""

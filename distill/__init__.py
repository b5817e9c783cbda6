"""The science: from files to files. `python -m distill RUN_FOLDER` works by itself; of the project it imports `spec` alone."""

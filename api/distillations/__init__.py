"""Distillations: the jobs, and all that can be seen of one."""

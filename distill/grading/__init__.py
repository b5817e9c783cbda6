"""From held-out answers to every figure of a report."""

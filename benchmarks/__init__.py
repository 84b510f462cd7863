"""Speed beside nbgrader, otter-grader and the floor, measured in one run: ``python -m benchmarks``."""

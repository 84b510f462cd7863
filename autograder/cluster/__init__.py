"""Grading on many machines, by Ray: the same unit of work as on one, a submission in and a report out."""

"""Grading in CI: the workflows of a course, what they keep between runs, and the repository that students get."""

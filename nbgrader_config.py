"""Configuration of nbgrader for this course."""

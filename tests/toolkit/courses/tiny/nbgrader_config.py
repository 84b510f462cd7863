"""Configuration of nbgrader for the tiny course that the tests of the toolkit use."""

from autograder.nbgrader_bridge import configure
from autograder.release import nbgrader_settings

c = get_config()  # type: ignore[name-defined]

# Course
c.CourseDirectory.course_id = "tiny"

# Release: handouts lie in assignments/, `nbgrader generate_assignment TOPIC` makes what `autograder release` makes
c.merge(nbgrader_settings())

# Grading: `nbgrader autograde TOPIC` and formgrader grade as `autograder grade` does
configure(c)

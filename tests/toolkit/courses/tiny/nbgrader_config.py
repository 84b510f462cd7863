"""Configuration of nbgrader for the tiny course that the toolkit's own tests use."""

c = get_config()  # type: ignore[name-defined]

c.CourseDirectory.course_id = "tiny"
c.CourseDirectory.source_directory = "assignments"
c.CourseDirectory.ignore = ["*.md", ".ipynb_checkpoints", "__pycache__", "*.pyc"]

"""An auto-grader for PyTorch notebooks: author, release, grade in a sandbox, explain."""

__version__ = "0.1.0"

"""Grading on Gradescope: the zip file that an instructor uploads, and the program that runs in its container."""

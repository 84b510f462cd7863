"""pytest fixtures for hidden tests: ``pytest tests/hidden/test_attention.py [--submission PATH]``.

Without ``--submission`` the tests run against the course's own reference, which must pass.
"""

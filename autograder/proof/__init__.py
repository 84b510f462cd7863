"""What proves a suite strong: every line of the contract broken on purpose, every reference mutated."""

"""A hundred megabytes of printed output."""
EXPECT = {"verdict": "invalid_submission", "score": 0.0, "message": "the notebook has 95 MiB, more than 20: clear its outputs and save"}
def handed_in(kit):
    head, tail = kit.dump(kit.book(kit.code(outputs=[{"output_type": "stream", "name": "stdout", "text": "@"}]))).split(b"@")
    return head + b"x" * 100_000_000 + tail

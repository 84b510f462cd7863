"""Half a surrogate pair in a scratch cell: it cannot run, the rest can."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": "", "cells": {0: "error: UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800' in position 5: surrogates not allowed"}}
def handed_in(kit): return kit.dump(kit.book(kit.code("a = '\ud800'"), kit.code()), ensure_ascii=True)

"""Every exception that is more than an exception somewhere: to a generator, a shell, a test runner."""
EXPECT = {"verdict": "error", "score": 2.0}
# %%
import asyncio, unittest
class Own(BaseException): pass
turn = [GeneratorExit(), Own("x"), StopIteration(5), StopAsyncIteration(), RecursionError("deep"), SystemExit(0),
        SystemExit("all passed"), unittest.SkipTest("later"), asyncio.CancelledError(), AssertionError("x"), Warning("x"),
        ExceptionGroup("x", [ValueError("x")]), BaseExceptionGroup("x", [KeyboardInterrupt()]), BrokenPipeError("x")]
def halve(x):
    turn.append(turn.pop(0))
    raise turn[0]

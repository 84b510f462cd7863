"""await outside a function, as notebooks allow it."""
EXPECT = {"verdict": "passed", "score": 5.0, "message": ""}
def handed_in(kit): return kit.book(kit.code("import asyncio\nawait asyncio.sleep(0)\nx = [i async for i in (lambda: (_ async for _ in y()))()] if False else 1"), kit.code())

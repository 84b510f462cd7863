"""An exception whose class and text are code."""
EXPECT = {"verdict": ["error", "crashed"], "score": 2.0}  # told as an error, or the process ends because even its name is a trap: the test is lost either way
# %%
class Meta(type):
    @property
    def __name__(cls): raise Trap
class Trap(BaseException, metaclass=Meta):
    def __str__(self): raise Trap
    __repr__ = __str__
def halve(x): raise Trap

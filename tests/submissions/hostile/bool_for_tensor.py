"""What is equal to a number without being one: True, a numpy scalar, a one-element list, a text."""
EXPECT = {"verdict": "failed", "score": 2.0}
# %%
import numpy as np
from decimal import Decimal
from fractions import Fraction
turn = [True, np.float32(0.5), np.bool_(True), [0.5], "0.5", Decimal("0.5"), Fraction(1, 2), 0.5, 0.5 + 0j, np.int64(1)]
def halve(x):
    turn.append(turn.pop(0))
    return turn[0]

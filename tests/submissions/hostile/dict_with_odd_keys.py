"""Answers with a dict whose keys lie about being equal."""

EXPECT = {"verdict": "error", "score": 2.0}


# %%
class Key:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __str__(self):
        raise SystemExit


def halve(x):
    return {Key(): x * 0.5}

"""Answers with a list inside itself."""

EXPECT = {"verdict": "failed", "score": 2.0}


# %%
def halve(x):
    answer = []
    answer.append(answer)
    return answer

"""A thread writes to the socket while the call runs, so that two replies are mixed."""
EXPECT = {"verdict": "protocol", "score": 2.0}
# %%
import os, threading
def halve(x):
    thread = threading.Thread(target=os.write, args=(3, bytes(20)))
    thread.start()
    thread.join()
    return x * 0.5

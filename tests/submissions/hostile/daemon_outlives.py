"""A daemon, twice forked, in a session of its own, that wants to be there when the next notebook comes."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        os.close(3)
        while True:
            time.sleep(1)
    os._exit(0)
# %%
import subprocess
subprocess.Popen("nohup setsid sleep 100000 &", shell=True)
subprocess.Popen(["sleep", "100000"], start_new_session=True)

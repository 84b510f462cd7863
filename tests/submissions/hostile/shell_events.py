"""Registers events of the interactive shell that exit."""

EXPECT = {"verdict": "passed", "score": 5.0}
# %%
ip = get_ipython()


def leave(*a):
    raise SystemExit(0)


ip.events.register("post_run_cell", leave)
ip.events.register("pre_run_cell", leave)

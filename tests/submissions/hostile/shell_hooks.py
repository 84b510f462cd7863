"""Hooks of the shell that fail, and a shell that was taken apart."""
EXPECT = {"verdict": "passed", "score": 5.0}
# %%
import ast
class Breaks(ast.NodeTransformer):
    def visit(self, node): raise RuntimeError
get_ipython().ast_transformers.append(Breaks())
# %%
def loud(*args): raise SystemExit
get_ipython().events.register("post_run_cell", loud)
get_ipython().events.register("pre_run_cell", loud)
# %%
get_ipython().kernel.do_shutdown(False)
# %%
get_ipython().run_cell = None

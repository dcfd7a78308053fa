"""A layer whose code stands in a Python module."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Instance,
    LayerType,
    Problem,
    Signature,
    Weight,
    at_least,
    constant,
    layer,
)


@layer("Python", param="python_param", role="custom")
class Python(LayerType):
    """Run the class `layer` of the Python module `module`, if that is allowed.

    Loading such a net runs whatever the module holds. So it happens only where it is asked for,
    with `--allow-python` or `allow_python=True`. Otherwise the tops have no known shape, and the
    net can be checked and drawn, but not run.

    The class is written for Caffe's own interface: `setup(bottom, top)`, `reshape(bottom, top)`,
    `forward(bottom, top)` and `backward(top, propagate_down, bottom)`, with blobs that have `data`,
    `diff`, `shape` and `reshape`. `param_str` is handed to it as `self.param_str`. Its parameters
    are what `setup` adds to `self.blobs`, each with one value everywhere. The module is looked for
    beside the file of the net, in the working folder, and where Python finds modules; its
    `import caffe` works without Caffe. The code runs on the CPU, wherever the net does.

    As a loss it needs a `loss_weight`: none is the default. `share_in_parallel` has no effect:
    every net has an object of its own. Some published classes are built in, under their own names,
    and need no code: `netdef layers ProposalLayer`.
    """

    bottoms = at_least(0)
    tops = at_least(0)
    examples = (Example('python_param { module: "my_layers" layer: "Twice" }', [(2, 3)], [(2, 3)]),)

    def signature(self, n: Instance) -> Signature:
        """What the class's `setup` and `reshape` say."""
        with n.collect():
            for field in ("module", "layer"):
                if not getattr(n.p, field):
                    n.fault(field, f"a Python layer needs `{field}`", rule="missing-field")
        code = n.code()
        if code is None:
            text = f"{n.p.module}.{n.p.layer} is Python code, which is not run unless allowed"
            note = "allow it with --allow-python, if you trust the module"
            warning = Problem("layer", text, "python-not-allowed", note)
            return Signature([None] * len(n.tops), warnings=(warning,))
        weights = [
            Weight(f"blob{index}", shape, constant(start))
            for index, (shape, start) in enumerate(code.blobs)
        ]
        return Signature(code.tops, weights)

    def cost(self, n: Instance) -> Cost:
        """Nobody knows what the code computes: nothing is counted."""
        del n
        return Cost()

    def torch(self, n: Instance, t: Any) -> Any:
        """The code, on arrays on the CPU."""
        if not n.trusted:
            text = f"{n.p.module}.{n.p.layer} is Python code, which is not run unless allowed"
            note = "load the net with --allow-python, or allow_python=True"
            n.fault("layer", text, "python-not-allowed", note)
        blobs = [weight.shape for weight in n.sig.weights]
        return t.ops.PythonLayer(t.python_host(n), blobs, len(n.tops))

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: it is code."""
        n.unsupported("it is Python code, which an ONNX file cannot hold")

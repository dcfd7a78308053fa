"""The training loop."""

import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netdef.data.loader import Batches, batches
from netdef.data.probe import prober
from netdef.ir import Net, Param
from netdef.passes.pipeline import Request, load_net
from netdef.source import Diagnostic, NetdefError, error, warning
from netdef.source.locate import locate, looked_in
from netdef.torch_backend.device import choose_device
from netdef.torch_backend.executable import Executable
from netdef.torch_backend.python_host import shapes_of_code
from netdef.training.events import Evaluation, Listener, Progress, Scores
from netdef.training.randomness import mix, new_seed, seed_torch
from netdef.training.rates import POLICIES
from netdef.training.sgd import SGD
from netdef.training.snapshot import (
    SolverState,
    check_weights,
    histories_fit,
    read_state,
    write_state,
)
from netdef.training.solver_file import NetPlan, SolverFile, load_solver
from netdef.training.update_rule import UpdateRule
from netdef.weights import check_caffemodel_size

_RULES: dict[str, type[UpdateRule]] = {"SGD": SGD}
_TEST_SEED = 0x7E57  # mixed into the seed of test nets, so that they draw numbers of their own


class Solver:
    """Trains a net as a solver file says, step for step as the reference does.

    Attributes:
        model: The net being trained.
        tests: The nets it is tested with; they use the parameters of `model`.
        iteration: Iterations done.
        settings: The SolverParameter.
        diagnostics: Warnings about the files.
        listeners: Who is told what happens.
    """

    def __init__(
        self,
        path: str | Path,
        net: str | Path | Net | None = None,
        device: str | torch.device | None = None,
        precision: str = "fp32",
        listeners: Sequence[Listener] = (),
        allow_python: bool = False,
    ) -> None:
        """Read the solver file and build its nets.

        Args:
            path: The solver's prototxt.
            net: A net's prototxt, in place of all net fields of the solver. Of a loaded net, the
                text is taken: the solver decides for which states.
            device: "cpu", "cuda", "cuda:1"; None lets `solver_mode` and `device_id` decide, and
                without them takes a GPU when there is one.
            precision: "fp32" (exact), "tf32", "bf16" or "fp16".
            listeners: Who is told what happens.
            allow_python: Whether the code that Python layers of the nets name may be run.

        Raises:
            NetdefError: A file or data source is missing or has faults, all of them listed.
        """
        self.source: SolverFile = load_solver(path, net.file if isinstance(net, Net) else net)
        self.settings: Any = self.source.message
        self.listeners = list(listeners)
        self.allow_python = allow_python
        self.diagnostics: list[Diagnostic] = list(self.source.diagnostics)
        self._refuse_unheeded()
        chosen = self._device(device)
        given = self.settings.random_seed
        self.seed = given if given >= 0 else new_seed()
        seed_torch(self.seed, -1)
        train = self._load(self.source.train)
        test_nets = [self._load(plan) for plan in self.source.tests]
        self._refuse_without_loss(train)
        check_caffemodel_size(train)  # now, and not after hours of training
        nets = [train, *test_nets]
        self._data = self._open_data(nets, chosen, [0] * len(nets))  # first: a source may lack
        self.model = Executable(train, chosen, precision)
        self.tests = [Executable(n, chosen, precision, share=self.model) for n in test_nets]
        self._load_weights()
        self.iteration = 0
        self._params = _own_params(train)
        learned = [p for p in self._params if self.model.tensor_of(p).requires_grad]
        self._rule = _RULES[self.settings.type](
            self.settings, [(self._tensor(p), p.lr_mult, p.decay_mult) for p in learned]
        )
        # Per iteration: the mean objective of its passes, and the objective of the last one.
        self._window: deque[tuple[Tensor, Tensor]] = deque(maxlen=self.settings.average_loss)
        self._stopping = False
        self._done = 0
        self._images = 0
        self._seconds = 0.0

    def step(self, n: int = 1) -> float:
        """Train for `n` iterations, with the tests and snapshots that fall into them.

        Returns:
            The mean, over the last `average_loss` iterations of this call, of the objective in an
            iteration's last pass: what reading the net's loss after a step gives in the reference.
            (`loss` is what it displays: there an iteration counts with the mean of all its passes.)

        Raises:
            NetdefError: A record of the data is damaged, or a snapshot cannot be written.
        """
        s = self.settings
        self._window.clear()
        self._stopping = False
        for _ in range(n):
            if self._stopping:
                break
            due = s.test_interval and self.iteration % s.test_interval == 0
            if due and (self.iteration or s.test_initialization):
                self.test()
            self._learn()
            for listener in self.listeners:
                listener.tick(self.iteration)
            if s.snapshot and self.iteration % s.snapshot == 0:
                self.snapshot()
        return self._mean(1)

    def stop(self) -> None:
        """End `step` after the iteration under way; may be called from a signal handler."""
        self._stopping = True

    def solve(self) -> float:
        """Train up to max_iter, with a snapshot and a test at the end as the settings ask.

        After `stop` neither is made.

        Returns:
            As `step`.

        Raises:
            NetdefError: As `step`; or max_iter is not given.
        """
        s = self.settings
        if not s.HasField("max_iter"):
            text = "the solver needs `max_iter`"
            raise NetdefError(error("missing-field", text, self.source.document.span))
        loss = self.step(max(0, s.max_iter - self.iteration))
        if self._stopping:
            return loss
        if s.snapshot_after_train and not (s.snapshot and self.iteration % s.snapshot == 0):
            self.snapshot()
        if s.test_interval and self.iteration % s.test_interval == 0:
            self.test()
        return loss

    @property
    def loss(self) -> float:
        """Mean objective of the last `average_loss` iterations; nan before the first."""
        return self._mean(0)

    def _mean(self, which: int) -> float:
        if not self._window:
            return float("nan")
        return float(torch.stack([losses[which] for losses in self._window]).mean())

    @property
    def rate(self) -> float:
        """Learning rate of the next iteration."""
        return POLICIES[self.settings.lr_policy](self.settings, self.iteration)

    def test(self) -> list[Scores]:
        """Run every test net over its batches.

        Returns:
            Per test net: the mean of every element of its outputs, by blob name.
        """
        results: list[Scores] = []
        for index, (model, plan) in enumerate(zip(self.tests, self.source.tests, strict=True)):
            scores = self._test(index, model, plan.iterations)
            weights = {
                blob.name: weight
                for layer in model.net.layers
                for blob, weight in zip(layer.tops, layer.loss_weights, strict=True)
                if weight
            }
            for listener in self.listeners:
                listener.tested(Evaluation(self.iteration, index, scores, weights))
            results.append(scores)
        return results

    def snapshot(self) -> tuple[Path, Path]:
        """Write PREFIX_iter_N.caffemodel and .solverstate.

        Returns:
            Both paths.

        Raises:
            NetdefError: A file cannot be written.
        """
        stem = f"{self.prefix}_iter_{self.iteration}"
        weights, state = Path(f"{stem}.caffemodel"), Path(f"{stem}.solverstate")
        self._make_folder(weights.parent)
        self.model.save_weights(weights)
        histories = self._rule.histories()
        kept = [histories.get(self._tensor(p)) for p in self._params]
        arrays = [
            np.zeros(param.shape, np.float32) if tensors is None else tensors[kind].cpu().numpy()
            for kind in range(self._rule.kinds)
            for param, tensors in zip(self._params, kept, strict=True)
        ]
        step = self._current_step()
        cursor = [data.cursor for data in self._data]
        write_state(state, SolverState(self.iteration, arrays, step, self.seed, cursor, weights))
        for listener in self.listeners:
            listener.snapshotted(weights, state)
        return weights, state

    def restore(self, path: str | Path) -> None:
        """Go on from a snapshot: the weights, the histories, the data and the random numbers.

        Raises:
            NetdefError: A file is missing, damaged, or belongs to another net or solver.
        """
        path = Path(path)
        state = read_state(path)
        check_weights(state)
        histories_fit(path, [p.shape for p in self._params] * self._rule.kinds, state)
        self.model.load_weights(state.weights)
        histories = self._rule.histories()
        for position, array in enumerate(state.histories):
            kind, index = divmod(position, len(self._params))
            tensors = histories.get(self._tensor(self._params[index]))
            if tensors is not None:
                tensors[kind].copy_(torch.from_numpy(array).view_as(tensors[kind]))
        self.iteration = state.iteration
        self.seed = self.seed if state.seed is None else state.seed
        train = state.iteration * self.settings.iter_size * self._data[0].batch_size
        for data in self._data:
            data.close()
        nets = [model.net for model in (self.model, *self.tests)]
        cursors = state.cursor or [train] + [0] * len(self.tests)
        self._data = self._open_data(nets, self.model.device, cursors)

    def _learn(self) -> None:
        """One iteration: gradients over iter_size passes, one update."""
        started = time.perf_counter()
        s = self.settings
        display = bool(s.display) and self.iteration % s.display == 0
        self._rule.zero_gradients()
        passes: list[Tensor] = []
        outputs: dict[str, Tensor] = {}
        for index in range(s.iter_size):
            batch = self._batch(0)
            seed_torch(self.seed, self.iteration * s.iter_size + index)
            names = self.model.net.outputs if display else ()
            objective, outputs = self.model.objective(batch, names)
            if objective.requires_grad:
                objective.backward()
            passes.append(objective.detach())
        self._window.append((torch.stack(passes).mean(), passes[-1]))
        rate = self.rate
        self._rule.update(rate, self.iteration)
        self._done += 1
        self._images += s.iter_size * self._data[0].batch_size
        self._seconds += time.perf_counter() - started
        if display:
            self._display(rate, outputs)
        self.iteration += 1

    def _display(self, rate: float, outputs: dict[str, Tensor]) -> None:
        progress = Progress(
            iteration=self.iteration,
            max_iter=self.settings.max_iter,
            loss=self.loss,
            rate=rate,
            outputs={name: value.detach().flatten().tolist() for name, value in outputs.items()},
            done=self._done,
            images=self._images,
            seconds=self._seconds,
        )
        for listener in self.listeners:
            listener.progress(progress)

    @torch.no_grad()
    def _test(self, index: int, model: Executable, iterations: int) -> Scores:
        totals: dict[str, Tensor] = {}
        for i in range(iterations):
            batch = self._batch(1 + index)
            seed_torch(mix(self.seed, _TEST_SEED + index), self.iteration * iterations + i)
            for name, value in model(batch).items():
                value = value.detach().double().flatten()
                totals[name] = totals[name] + value if name in totals else value
        return {name: (total / iterations).tolist() for name, total in totals.items()}

    def _batch(self, index: int) -> dict[str, Tensor]:
        """Return the next batch of the train net (0) or a test net (from 1)."""
        return next(self._data[index])

    def _open_data(
        self, nets: Sequence[Net], device: torch.device, cursors: Sequence[int]
    ) -> list[Batches]:
        """Open the sources of all nets, each going on after as many records as were read."""
        opened: list[Batches] = []
        faults: list[Diagnostic] = []
        for i, (net, cursor) in enumerate(zip(nets, cursors, strict=True)):
            try:
                opened.append(batches(net, mix(self.seed, -1 - i), cursor, device))
            except NetdefError as fault:
                faults += fault.diagnostics
        if faults:
            raise NetdefError(faults)
        return opened

    def _load(self, plan: NetPlan) -> Net:
        file = plan.bound.document.file
        code = shapes_of_code if self.allow_python else None
        request = Request(plan.level, plan.stages, probe=prober(file.path), code=code)
        net = load_net(plan.bound, plan.phase, request)
        # That a source is missing is said, as an error, when the data is opened.
        warnings = [d for d in net.diagnostics if d.rule != "missing-source"]
        self.diagnostics += [d for d in warnings if d not in self.diagnostics]
        return net

    def _device(self, device: str | torch.device | None) -> torch.device:
        s = self.settings
        if device is not None or not s.HasField("solver_mode"):
            return choose_device(device)
        if s.SolverMode.Name(s.solver_mode) == "CPU":
            return torch.device("cpu")
        if torch.cuda.is_available():
            return choose_device(f"cuda:{s.device_id}")
        place = self.source.place("solver_mode")
        text = "the solver asks for a GPU, and there is none: training on the CPU"
        self.diagnostics.append(warning("no-gpu", text, place))
        return torch.device("cpu")

    def _refuse_unheeded(self) -> None:
        """Say which settings have no effect, rather than be silent about them."""
        s = self.settings
        if s.snapshot_format == s.HDF5:
            text = "snapshots are written as BINARYPROTO only, not as HDF5"
            place = self.source.place("snapshot_format")
            raise NetdefError(error("unsupported-field", text, place))
        for field in ("debug_info", "snapshot_diff"):
            if getattr(s, field):
                text = f"`{field}` has no effect"
                place = self.source.place(field)
                self.diagnostics.append(warning("unsupported-field", text, place))

    def _load_weights(self) -> None:
        """Start from the weight files that the solver names, each entry a comma list."""
        names = [n.strip() for entry in self.settings.weights for n in entry.split(",")]
        for name in filter(None, names):
            path = locate(name, self.source.file.path)
            if path is None:
                text = f"the weight file `{name}` is not there"
                note = looked_in(name, self.source.file.path)
                place = self.source.place("weights")
                raise NetdefError(error("missing-file", text, place, note=note))
            self.model.load_weights(path)

    def _refuse_without_loss(self, net: Net) -> None:
        if not any(weight for layer in net.layers for weight in layer.loss_weights):
            text = "the train net has no loss, so there is nothing to learn"
            note = "add a loss layer, or a `loss_weight` to a layer"
            raise NetdefError(error("no-loss", text, note=note))

    def _tensor(self, param: Param) -> Tensor:
        return self.model.tensor_of(param)

    def _current_step(self) -> int:
        s = self.settings
        if s.lr_policy == "step":
            return self.iteration // s.stepsize
        return sum(value <= self.iteration for value in s.stepvalue)

    @property
    def prefix(self) -> str:
        """The snapshot prefix; the solver's own path, without its suffix, when there is none."""
        own = Path(self.source.file.path)
        prefix = self.settings.snapshot_prefix
        if not prefix:
            return str(own.with_suffix(""))
        if prefix.endswith("/") or Path(prefix).is_dir():
            return str(Path(prefix) / own.stem)
        return prefix

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            text = f"cannot make the folder {folder} for snapshots: {fault.strerror}"
            place = self.source.place("snapshot_prefix")
            raise NetdefError(error("cannot-write", text, place)) from None


def _own_params(net: Net) -> list[Param]:
    """Return the parameters of a net in order, shared ones once."""
    return [p for layer in net.layers for p in layer.params or () if p.owner is None]

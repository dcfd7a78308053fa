"""The training loop."""

import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netdef.data.bad_records import BadRecords, OnBadRecord
from netdef.data.probe import prober
from netdef.data.program_feed import Given
from netdef.ir import Net, Param
from netdef.passes.pipeline import Request, load_net
from netdef.source import Diagnostic, NetdefError, error, warning
from netdef.torch_backend.device import choose_device
from netdef.torch_backend.executable import Executable
from netdef.torch_backend.python_host import shapes_of_code
from netdef.training.data import NetData
from netdef.training.debug_info import TracedObjective
from netdef.training.divergence import explain_divergence, refuse_what_is_not_finite
from netdef.training.events import Evaluation, Listener, Progress, Scores
from netdef.training.freeze import freeze_layers
from netdef.training.loss_scale import LossScale
from netdef.training.monitor import Monitor
from netdef.training.moving_mean import MovingMean
from netdef.training.passes import Objective
from netdef.training.plateau import Plateau
from netdef.training.randomness import mix, new_seed, seed_torch
from netdef.training.rates import PLATEAU, rate_of
from netdef.training.rules import rule_of
from netdef.training.saving import save
from netdef.training.snapshots import Snapshots, earlier_than
from netdef.training.solver_file import NetPlan, SolverFile, load_solver
from netdef.training.state import restore
from netdef.training.testing import evaluate
from netdef.training.transfer import Transfer, transfer, weights_of_solver
from netdef.training.workers import Workers
from netdef.weights import check_caffemodel_size

_TEST_SEED = 0x7E57  # mixed into the seed of test nets, so that they draw numbers of their own
_LOOK_EVERY = 20
"""Iterations after which a GPU is asked whether the loss is still finite: asking makes it wait."""


class Solver:
    """Trains a net as a solver file says, step for step as the reference does.

    Attributes:
        model: The net being trained.
        tests: The nets it is tested with; they use the parameters of `model`.
        iteration: Iterations done.
        settings: The SolverParameter.
        diagnostics: Warnings about the files.
        listeners: Who is told what happens.
        snapshots: The names of its snapshots.
        transferred: What came from the weight files it started with.
        stopped: Whether `stop` ended the last `step` or `solve`.
    """

    def __init__(
        self,
        path: str | Path,
        net: str | Path | Net | None = None,
        device: str | torch.device | None = None,
        precision: str = "fp32",
        listeners: Sequence[Listener] = (),
        allow_python: bool = False,
        compiled: bool | str = False,
        freeze: Sequence[str] = (),
        weights: Sequence[str | Path] | None = None,
        skip_mismatched: bool = False,
        on_bad_record: OnBadRecord = "stop",
        feed: Given | None = None,
        test_feed: Given | None = None,
    ) -> None:
        """Read the solver file and build its nets.

        Under torchrun, with torch.distributed initialised, this is one of several that train one
        net: each takes its share of the records, a batch of its own in every pass.

        Args:
            path: The solver's prototxt.
            net: A net's prototxt, in place of all net fields of the solver. Of a loaded net, the
                text is taken: the solver decides for which states.
            device: "cpu", "cuda", "cuda:1"; None lets `solver_mode` and `device_id` decide, and
                without them takes a GPU when there is one.
            precision: "fp32" (exact), "tf32", "bf16" or "fp16".
            listeners: Who is told what happens.
            allow_python: Whether the code that Python layers of the nets name may be run.
            compiled: Whether torch.compile makes the programs, or in which of its modes:
                "reduce-overhead" replays passes as CUDA graphs, for small nets on a GPU.
            freeze: Patterns of names of layers (`conv1`, `res*`) whose parameters are not trained.
            weights: Weight files to start from, in place of those that the solver names.
            skip_mismatched: Whether layers whose shapes differ in those keep their values;
                otherwise that is an error.
            on_bad_record: Whether a damaged record ends the training, or the next good one stands
                in for it, and the listeners are told.
            feed: What Input and MemoryData layers of the train net read: arrays, or whole batches.
            test_feed: The same for the test nets.

        Raises:
            NetdefError: A file or data source is missing or has faults, all of them listed.
        """
        self.source: SolverFile = load_solver(path, net.file if isinstance(net, Net) else net)
        self.settings: Any = self.source.message
        self.listeners = list(listeners)
        self.allow_python = allow_python
        self.diagnostics: list[Diagnostic] = list(self.source.diagnostics)
        self.workers = Workers()
        self.bad_records = BadRecords(on_bad_record, self._warn)
        chosen = self.workers.device(self._device(device))
        given = self.settings.random_seed
        self.seed = self.workers.agree_on(given if given >= 0 else new_seed())
        seed_torch(self.seed, -1)
        train = self._load(self.source.train)
        test_nets = [self._load(plan) for plan in self.source.tests]
        self._refuse_without_loss(train)
        if not self.snapshots.hdf5:
            check_caffemodel_size(train)  # now, and not after hours of training
        feeds = [feed, *[test_feed] * len(test_nets)]
        self.data = NetData(
            [train, *test_nets], self.seed, chosen, self.workers, self.bad_records, feeds
        )
        self.model = Executable(train, chosen, precision)
        self.tests = [Executable(n, chosen, precision, share=self.model) for n in test_nets]
        for model in (self.model, *self.tests):
            model.use_channels_last()
        if compiled:
            self.model.use_compiler(**({} if compiled is True else {"mode": compiled}))
        files = weights_of_solver(self.source) if weights is None else list(map(Path, weights))
        self.transferred: Transfer = transfer(self.model, self.tests, files, skip_mismatched)
        freeze_layers(self.model, freeze)
        self.iteration = 0
        self.params = [p for layer in train.layers for p in layer.params or () if p.owner is None]
        learned = [p for p in self.params if self.tensor_of(p).requires_grad]
        self.rule = rule_of(self.settings.type)(
            self.settings, [(self.tensor_of(p), p.lr_mult, p.decay_mult) for p in learned]
        )
        self.plateau = Plateau()
        self.monitor = Monitor(self.settings.monitor)
        decay, kept = self.settings.ema_decay, [self.tensor_of(p) for p in self.params]
        self.moving_mean = MovingMean(kept, decay) if decay else None
        self.loss_scale = LossScale() if precision == "fp16" else None
        traced = self.settings.debug_info
        self._objective = TracedObjective(self.model) if traced else Objective(self.model)
        self._synchronised = self.workers.synchronised(self._objective)
        # Per iteration: the mean objective of its passes, and the main loss of the last one.
        self._window: deque[Tensor] = deque(maxlen=self.settings.average_loss)
        self._stopping = self._wanted = self.stopped = False
        self._done = 0
        self._seconds = 0.0

    def step(self, n: int = 1) -> float:
        """Train for `n` iterations, with the tests and snapshots that fall into them.

        Returns:
            The mean, over the last `average_loss` iterations of this call, of the net's loss in an
            iteration's last pass, without auxiliary losses: those whose weight is not the largest.
            (`loss` is what is displayed: the objective with all losses, the mean of all passes.)

        Raises:
            NetdefError: A record of the data is damaged, a value became NaN or infinite, or a
                snapshot cannot be written.
        """
        self._stopping = False
        return self._run(n)

    def _run(self, n: int) -> float:
        s = self.settings
        self._window.clear()
        for _ in range(n):
            due = s.test_interval and self.iteration % s.test_interval == 0
            if due and (self.iteration or s.test_initialization):
                self.test()
            if self._is_to_stop():
                break
            self._learn()
            self._tell("tick", self.iteration)
            wanted, self._wanted = self.workers.any(self._wanted), False
            if wanted or (s.snapshot and self.iteration % s.snapshot == 0):
                self.snapshot()
        else:
            self._is_to_stop()
        return self._mean(1)

    def _is_to_stop(self) -> bool:
        """Whether any worker was told to stop; all ask at the same points, and so stop together."""
        self.stopped = self.workers.any(self._stopping)
        self._stopping = self._stopping and not self.stopped
        return self.stopped

    def stop(self) -> None:
        """End `step` after the iteration under way; may be called from a signal handler.

        Of several workers, one that is told is enough. A `solve` that has not begun ends at once.
        """
        self._stopping = True

    def request_snapshot(self) -> None:
        """Write a snapshot after the iteration under way; may be called from a signal handler."""
        self._wanted = True

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
        loss = self._run(max(0, s.max_iter - self.iteration))
        if self.stopped:
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

    @property
    def rate(self) -> float:
        """Learning rate of the next iteration."""
        return rate_of(self.settings, self.iteration, self.plateau.steps)

    def test(self) -> list[Scores]:
        """Run every test net over its batches; with a moving mean of the weights, on that.

        Returns:
            Per test net: the mean of every element of its outputs, by blob name.
        """
        with self.moving_mean.in_place() if self.moving_mean else nullcontext():
            results = [self._test(index) for index in range(len(self.tests))]
        s = self.settings
        if results and (s.snapshot_best or s.early_stop):
            self._watch(results[0])
        for result in results:
            self._tell("tested", result)
        return [result.scores for result in results]

    def snapshot(self) -> tuple[Path, Path]:
        """Write PREFIX_iter_N.caffemodel and .solverstate, or both with .h5 behind.

        Returns:
            Both paths.

        Raises:
            NetdefError: A file cannot be written, or a parameter is NaN or infinite: then the last
                good snapshot stays the newest.
        """
        refuse_what_is_not_finite(self.model, self.params, self.iteration)
        paths = self._save(f"iter_{self.iteration}")
        if self.workers.first:
            self.snapshots.prune(self.iteration)
        self._tell("snapshotted", *paths)
        return paths

    def restore(self, path: str | Path) -> None:
        """Go on from a snapshot: the weights, the histories, the data and the random numbers.

        Raises:
            NetdefError: A file is missing, damaged, or belongs to another net or solver. Where an
                earlier snapshot of the same run can be used, that is said.
        """
        path = Path(path)
        try:
            restore(self, path)
        except NetdefError as fault:
            other = earlier_than(path)
            if other is None:
                raise
            note = f"the snapshot before it can be used: {other}"
            text = f"{path} is broken"
            raise NetdefError(
                [*fault.diagnostics, error("bad-state-file", text, note=note)]
            ) from None

    @property
    def snapshots(self) -> Snapshots:
        """The names of the snapshots, as the settings are now."""
        s = self.settings
        return Snapshots(self.prefix, s.snapshot_format == s.HDF5, s.snapshot_keep)

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

    def tensor_of(self, param: Param) -> Tensor:
        """Return the live values of a parameter of the train net."""
        return self.model.tensor_of(param)

    @property
    def images_per_pass(self) -> int:
        """Records that a pass of all workers learns from."""
        return self.data.batch_size * self.workers.count

    def _learn(self) -> None:
        """One iteration: gradients over iter_size passes, one update."""
        started = time.perf_counter()
        s = self.settings
        display = bool(s.display) and self.iteration % s.display == 0
        if s.lr_policy == PLATEAU and self._window:
            self.plateau.observe(s, self.iteration, self.loss)
        self.rule.zero_gradients()
        names = self.model.net.outputs if display else ()
        factor = self.loss_scale.factor if self.loss_scale else 1.0
        objectives: list[Tensor] = []
        for index in range(s.iter_size):
            batch = self.data.next_train()
            seed_torch(self.seed, self.workers.number(self.iteration * s.iter_size + index))
            with self.workers.exchanging(self._synchronised, last=index + 1 == s.iter_size):
                objective, main, outputs = self._synchronised(batch, names)
                if objective.requires_grad:
                    (objective if factor == 1 else objective * factor).backward()
            objectives.append(objective.detach())
            self._look(objectives[-1], batch)
            if isinstance(self._objective, TracedObjective):
                self._tell("debugged", self.iteration, self._objective.lines())
        losses = torch.stack([torch.stack(objectives).mean(), main])
        self._window.append(self.workers.mean(losses))
        rate = self.rate
        norm = self.rule.gradient_norm(factor) if display and s.log_gradient_norm else None
        if self.loss_scale is None or self.loss_scale.unscale(self.rule.gradients()):
            self.rule.update(rate, self.iteration)
        if self.moving_mean is not None:
            self.moving_mean.update(self.iteration)
        self._done += 1
        self._seconds += time.perf_counter() - started
        if display:
            self._display(rate, outputs, norm)
        self.iteration += 1

    def _display(self, rate: float, outputs: dict[str, Tensor], norm: float | None) -> None:
        progress = Progress(
            iteration=self.iteration,
            max_iter=self.settings.max_iter,
            loss=self.loss,
            rate=rate,
            outputs={name: value.flatten().tolist() for name, value in outputs.items()},
            done=self._done,
            images=self._done * self.settings.iter_size * self.images_per_pass,
            seconds=self._seconds,
            gradient_norm=norm,
        )
        self._tell("progress", progress)

    def _test(self, index: int) -> Evaluation:
        model, iterations = self.tests[index], self.source.tests[index].iterations
        data = self.data.of_test(index, iterations)
        seed = mix(self.seed, _TEST_SEED + index)
        scores = evaluate(model, data, iterations, seed, self.iteration * iterations, self.workers)
        weights = {blob.name: weight for blob, weight in model.net.losses}
        return Evaluation(self.iteration, index, scores, weights)

    def _watch(self, result: Evaluation) -> None:
        """Keep the best snapshot, and stop when the tests get no better."""
        s = self.settings
        if self.monitor.observe(result) and s.snapshot_best and self.iteration:
            self._save("best")
        if s.early_stop and self.monitor.stale >= s.early_stop:
            self._stopping = True
            text = f"no better test since {self.monitor.stale} tests: training ends"
            self._tell("noticed", f"iteration {self.iteration}: {text}")

    def _save(self, name: str) -> tuple[Path, Path]:
        return save(self, name) if self.workers.first else self.snapshots.paths(name)

    def _look(self, objective: Tensor, batch: dict[str, Tensor]) -> None:
        """End the training when the objective is no number any more.

        Raises:
            NetdefError: It is NaN or infinite.
        """
        if objective.device.type != "cpu" and self.iteration % _LOOK_EVERY:
            return
        if not bool(torch.isfinite(objective)):
            raise NetdefError(explain_divergence(self.model, batch, self.iteration))

    def _tell(self, event: str, *what: object) -> None:
        """Call a method of every listener; only the first worker has something to say."""
        if self.workers.first:
            for listener in self.listeners:
                getattr(listener, event)(*what)

    def _warn(self, text: str) -> None:
        """Tell of a damaged record; each worker meets its own."""
        if self.workers.first:
            self._tell("noticed", text)
        else:
            print(text, file=sys.stderr)

    def _mean(self, which: int) -> float:
        if not self._window:
            return float("nan")
        return float(torch.stack([losses[which] for losses in self._window]).mean())

    def _load(self, plan: NetPlan) -> Net:
        file = plan.bound.document.file
        code = shapes_of_code if self.allow_python else None
        probe = prober(file.path, self.bad_records)
        request = Request(plan.level, plan.stages, probe=probe, code=code)
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
            return choose_device(f"cuda:{s.device_id}" if self.workers.count == 1 else "cuda")
        place = self.source.place("solver_mode")
        text = "the solver asks for a GPU, and there is none: training on the CPU"
        self.diagnostics.append(warning("no-gpu", text, place))
        return torch.device("cpu")

    def _refuse_without_loss(self, net: Net) -> None:
        if not net.losses:
            text = "the train net has no loss, so there is nothing to learn"
            note = "add a loss layer, or a `loss_weight` to a layer"
            raise NetdefError(error("no-loss", text, note=note))

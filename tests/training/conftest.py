"""A small net with everything that makes resuming hard, and data it can learn."""

from pathlib import Path

import h5py
import numpy as np
import pytest

NET = """
layer {
  name: "data" type: "HDF5Data" top: "data" top: "label"
  hdf5_data_param { source: "data.txt" batch_size: 8 shuffle: true }
}
layer {
  name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
  inner_product_param { num_output: 12 weight_filler { type: "xavier" } }
}
layer { name: "norm" type: "BatchNorm" bottom: "fc" top: "fc" }
layer { name: "relu" type: "ReLU" bottom: "fc" top: "fc" }
layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc" }
layer {
  name: "out" type: "InnerProduct" bottom: "fc" top: "out"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "out" bottom: "label" top: "loss" }
layer {
  name: "accuracy" type: "Accuracy" bottom: "out" bottom: "label" top: "accuracy"
  include { phase: TEST }
}
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.1 lr_policy: "step" gamma: 0.5 stepsize: 7 momentum: 0.9
weight_decay: 0.01 max_iter: 20 random_seed: 3 snapshot_prefix: "out/run"
test_iter: 3 test_interval: 10 display: 5
"""


@pytest.fixture
def net_text() -> str:
    """The net in the folder, as it was."""
    return NET


@pytest.fixture
def solver_text() -> str:
    """The solver in the folder, as it was."""
    return SOLVER


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a net, a solver and learnable data."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 4, 50)
    data = rng.standard_normal((50, 6)).astype("f4") + 2 * np.eye(4, 6, dtype="f4")[label]
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["data"], file["label"] = data, label.astype("f4")
    (tmp_path / "data.txt").write_text("data.h5\n")
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    return tmp_path

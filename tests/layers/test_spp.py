"""SPP against its definition: bins cut from the plane one by one."""

import numpy as np
import pytest
import torch

import netdef


def net(fields: str, shape: tuple[int, ...]) -> str:
    return (
        'layer { name: "x" type: "Input" top: "x"'
        f" input_param {{ shape {{ dim: {list(shape)} }} }} }}\n"
        f'layer {{ name: "s" type: "SPP" bottom: "x" top: "y" spp_param {{ {fields} }} }}'
    )


def pyramid(x, height, pool):
    """Level by level, bin by bin."""
    levels = []
    for bins in (2**level for level in range(height)):
        kernel = [-(-extent // bins) for extent in x.shape[2:]]
        pad = [(k * bins - e + 1) // 2 for k, e in zip(kernel, x.shape[2:], strict=True)]
        level = np.zeros((*x.shape[:2], bins, bins))
        for i, j in np.ndindex(bins, bins):
            rows, columns = (
                slice(max(at * k - p, 0), min(at * k - p + k, e))
                for at, k, p, e in zip((i, j), kernel, pad, x.shape[2:], strict=True)
            )
            values = x[:, :, rows, columns].astype(float)
            if pool == "MAX":
                level[:, :, i, j] = values.max((2, 3))
            elif pool == "AVE":
                level[:, :, i, j] = values.sum((2, 3)) / (kernel[0] * kernel[1])
            else:
                total = values.sum((2, 3))
                level[:, :, i, j] = (values**2).sum((2, 3)) / np.where(total > 0, total, 1)
        levels.append(level.reshape(len(x), -1))
    return levels[0].reshape(*x.shape[:2], 1, 1) if height == 1 else np.concatenate(levels, 1)


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@pytest.mark.parametrize(
    ("shape", "height"),
    [
        ((2, 3, 7, 11), 2),
        ((1, 2, 13, 10), 3),
        ((2, 2, 8, 8), 4),
        ((2, 3, 5, 1), 1),
        ((1, 1, 3, 4), 2),
    ],
)
def test_definition(pool, shape, height):
    loaded = netdef.loads(net(f"pyramid_height: {height} pool: {pool}", shape))
    exe = netdef.compile(loaded, device="cpu")
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = pyramid(x, height, pool)
    assert loaded.blobs["y"].shape == expected.shape
    np.testing.assert_allclose(exe({"x": x})["y"].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_the_length_does_not_depend_on_the_size():
    exe = netdef.compile(netdef.loads(net("pyramid_height: 3", (1, 2, 8, 8))), device="cpu")
    for size in ((8, 8), (13, 10), (4, 31)):
        x = np.random.default_rng(0).standard_normal((3, 2, *size)).astype(np.float32)
        np.testing.assert_allclose(exe({"x": x})["y"].numpy(), pyramid(x, 3, "MAX"), rtol=1e-6)


def test_stochastic_is_a_weighted_mean_in_test_and_a_value_of_the_bin_in_train():
    text = net("pyramid_height: 2 pool: STOCHASTIC", (2, 3, 4, 6))
    x = np.random.default_rng(0).uniform(0, 1, (2, 3, 4, 6)).astype(np.float32)
    x[0, 0] = 0
    y = netdef.compile(netdef.loads(text, phase="TEST"), device="cpu")({"x": x})["y"].numpy()
    np.testing.assert_allclose(y, pyramid(x, 2, "STOCHASTIC"), rtol=1e-5, atol=1e-6)
    drawn = netdef.compile(netdef.loads(text, phase="TRAIN"), device="cpu")({"x": x})["y"].numpy()
    assert np.isin(drawn, x).all()
    corners = drawn[:, 3:].reshape(2, 3, 2, 2)[:, :, 1, 0]
    assert all(corners[n, c] in x[n, c, 2:, :3] for n in range(2) for c in range(3))


@pytest.mark.parametrize("pool", ["MAX", "AVE", "STOCHASTIC"])
def test_gradients(pool):
    text = net(f"pyramid_height: 2 pool: {pool}", (1, 2, 4, 6))
    exe = netdef.compile(netdef.loads(text, phase="TEST"), device="cpu").double()
    x = (torch.rand(1, 2, 4, 6, dtype=torch.float64) + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: exe({"x": x})["y"], x)


def test_the_first_of_equal_values_gets_the_gradient():
    exe = netdef.compile(netdef.loads(net("pyramid_height: 1", (1, 1, 2, 2))), device="cpu")
    x = torch.ones(1, 1, 2, 2, requires_grad=True)
    exe({"x": x})["y"].sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("fields", "shape", "part"),
    [
        ("", (1, 1, 8, 8), "SPP needs `pyramid_height`"),
        ("pyramid_height: 0", (1, 1, 8, 8), "`pyramid_height` must be at least 1, not 0"),
        ("pyramid_height: 3", (1, 1, 5, 8), "level 2 cuts 5 rows into 4 bins of 2, with padding"),
        ("pyramid_height: 2147483647", (1, 1, 8, 8), "level 4 cuts 8 rows into 16 bins of 1"),
        ("pyramid_height: 2 pool: STOCHASTIC", (1, 1, 4, 5), "takes no padding, but level 1 needs"),
        ("pyramid_height: 1", (1, 8, 8), "SPP takes (N, C, H, W)"),
    ],
)
def test_faults(fields, shape, part):
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net(fields, shape))
    (fault,) = caught.value.diagnostics
    assert part in fault.message

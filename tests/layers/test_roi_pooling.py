"""ROIPooling and PSROIPooling against their definitions, cell by cell."""

from math import ceil, floor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

import netdef
from netdef.source import NetdefError
from netdef.torch_backend.ops.psroi_pooling import PSROIPooling
from netdef.torch_backend.ops.roi_pooling import ROIPooling

HEIGHT, WIDTH = 9, 12
REGIONS = np.array(
    [
        *([0, 0, 0, 95, 71], [1, 10, 20, 50, 60], [1, 4, 12, 4, 12], [0, 60, 40, 20, 10]),
        *([0, -50, -30, 30, 20], [1, 90, 60, 300, 200], [1, 200, 200, 300, 300]),
        *([0, 12.5, 20.5, 43.5, 51.5], [0, 3.99, 4.01, 11.99, 12.01]),
    ],
    np.float32,
)


def away(x: float) -> float:
    return float(np.sign(x) * floor(abs(x) + 0.5))


def pooled_bins(first: float, last: float, count: int, size: int) -> list[range]:
    """ROIPooling's bins along an axis, with the roundings of single precision."""
    scale = np.float32(0.125)
    start, end = (int(away(np.float32(x) * scale)) for x in (first, last))
    width = np.float32(max(end - start + 1, 1)) / np.float32(count)
    return [
        range(
            min(max(floor(np.float32(i) * width) + start, 0), size),
            min(max(ceil(np.float32(i + 1) * width) + start, 0), size),
        )
        for i in range(count)
    ]


def sensitive_bins(first: float, last: float, count: int, size: int) -> list[range]:
    """PSROIPooling's."""
    scale = np.float32(0.125)
    start, end = np.float32(away(first)) * scale, np.float32(away(last) + 1) * scale
    width = np.maximum(end - start, np.float32(0.1)) / np.float32(count)
    return [
        range(
            min(max(floor(np.float32(i) * width + start), 0), size),
            min(max(ceil(np.float32(i + 1) * width + start), 0), size),
        )
        for i in range(count)
    ]


def maxima(x: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The top, and which cells get a gradient of 1 for each of its values."""
    top = np.zeros((len(REGIONS), x.shape[1], rows, columns))
    gradient = np.zeros_like(x)
    for r, (image, x1, y1, x2, y2) in enumerate(REGIONS):
        for i, ys in enumerate(pooled_bins(y1, y2, rows, HEIGHT)):
            for j, xs in enumerate(pooled_bins(x1, x2, columns, WIDTH)):
                cells = [(y, z) for y in ys for z in xs]
                for c in range(x.shape[1] if cells else 0):
                    plane = x[int(image), c]
                    best = max(cells, key=lambda cell: plane[cell])  # the first of equals
                    top[r, c, i, j] = plane[best]
                    gradient[int(image), c][best] += 1
    return top, gradient


def means(x: np.ndarray, outputs: int, group: int) -> np.ndarray:
    top = np.zeros((len(REGIONS), outputs, group, group))
    for r, (image, x1, y1, x2, y2) in enumerate(REGIONS):
        for i, ys in enumerate(sensitive_bins(y1, y2, group, HEIGHT)):
            for j, xs in enumerate(sensitive_bins(x1, x2, group, WIDTH)):
                for d in range(outputs):
                    plane = x[int(image), (d * group + i) * group + j]
                    cells = plane[ys.start : ys.stop, xs.start : xs.stop]
                    top[r, d, i, j] = cells.mean(dtype=np.float64) if cells.size else 0
    return top


def text(type: str, fields: str, channels: int, regions: int = len(REGIONS)) -> str:
    shapes = {"x": [2, channels, HEIGHT, WIDTH], "rois": [regions, 5]}
    lines = [
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ dim: {shape} }} }} }}"
        for name, shape in shapes.items()
    ]
    bottoms = 'bottom: "x" bottom: "rois"'
    lines.append(f'layer {{ name: "t" type: "{type}" {bottoms} top: "y" {fields} }}')
    return "\n".join(lines) + "\n"


def maps(channels: int, levels: int | None = None) -> np.ndarray:
    """Numbers that are never equal; or, of a few levels, often."""
    draw = np.random.default_rng(0)
    shape = (2, channels, HEIGHT, WIDTH)
    values = draw.standard_normal(shape) if levels is None else draw.integers(0, levels, shape)
    return values.astype(np.float32)


POOLINGS = [(7, 7), (2, 3), (1, 1), (5, 12)]


@pytest.mark.parametrize(("rows", "columns"), POOLINGS)
@pytest.mark.parametrize("levels", [None, 3])
def test_maxima(rows: int, columns: int, levels: int | None, tmp_path: Path):
    fields = f"pooled_h: {rows} pooled_w: {columns} spatial_scale: 0.125"
    net = netdef.loads(text("ROIPooling", f"roi_pooling_param {{ {fields} }}", 3))
    exe = netdef.compile(net, device="cpu")
    x = torch.from_numpy(maps(3, levels)).requires_grad_()
    top = exe({"x": x, "rois": REGIONS})["y"]
    expected, gradient = maxima(x.detach().numpy(), rows, columns)
    np.testing.assert_array_equal(top.detach().numpy(), expected.astype(np.float32))
    top.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), gradient)
    netdef.export_onnx(net, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    (by_onnx,) = session.run(None, {"x": x.detach().numpy(), "rois": REGIONS})
    np.testing.assert_array_equal(by_onnx, top.detach().numpy())


@pytest.mark.parametrize(("outputs", "group"), [(2, 3), (1, 7), (4, 1)])
def test_means(outputs: int, group: int, tmp_path: Path):
    channels = outputs * group**2
    fields = f"output_dim: {outputs} group_size: {group} spatial_scale: 0.125"
    net = netdef.loads(text("PSROIPooling", f"psroi_pooling_param {{ {fields} }}", channels))
    x = maps(channels)
    top = netdef.compile(net, device="cpu")({"x": x, "rois": REGIONS})["y"].numpy()
    np.testing.assert_allclose(top, means(x, outputs, group), atol=1e-6)
    netdef.export_onnx(net, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    (by_onnx,) = session.run(None, {"x": x, "rois": REGIONS})
    np.testing.assert_allclose(by_onnx, top, atol=1e-6)


@pytest.mark.parametrize("op", [ROIPooling((3, 2), 0.125), PSROIPooling(2, 3, 0.125)])
def test_gradient(op: torch.nn.Module):
    x = torch.from_numpy(maps(18)[:, :, ::2, ::2].copy()).double().requires_grad_()
    rois = torch.from_numpy(REGIONS).double()
    assert torch.autograd.gradcheck(lambda x: op(x, rois), (x,), fast_mode=True)


@pytest.mark.parametrize("op", [ROIPooling((3, 2), 0.125), PSROIPooling(2, 3, 0.125)])
def test_precision_does_not_change_the_bins(op: torch.nn.Module):
    x, rois = torch.from_numpy(maps(18, levels=9)), torch.from_numpy(REGIONS)
    torch.testing.assert_close(op(x.double(), rois.double()).float(), op(x, rois))
    assert op(x.bfloat16(), rois.bfloat16()).dtype == torch.bfloat16


def test_no_region_gives_no_rows(tmp_path: Path):
    """As a Proposal that finds nothing asks for."""
    for type, fields in (
        ("ROIPooling", "roi_pooling_param { pooled_h: 2 pooled_w: 2 }"),
        ("PSROIPooling", "psroi_pooling_param { spatial_scale: 1 output_dim: 1 group_size: 2 }"),
    ):
        net = netdef.loads(text(type, fields, 4))
        feed = {"x": maps(4), "rois": REGIONS[:0]}
        top = netdef.compile(net, device="cpu")(feed)["y"]
        assert top.shape[0] == 0
        netdef.export_onnx(net, tmp_path / "net.onnx")
        session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
        assert session.run(None, feed)[0].shape == tuple(top.shape)


@pytest.mark.parametrize(
    ("type", "fields", "messages"),
    [
        (
            "ROIPooling",
            "roi_pooling_param { pooled_h: 2 spatial_scale: 0 }",
            ["ROIPooling needs `pooled_w`", "`spatial_scale` must be above 0, not 0"],
        ),
        (
            "PSROIPooling",
            "psroi_pooling_param { spatial_scale: 1 output_dim: 2 group_size: 3 }",
            ["2 outputs of 3 x 3 bins need 18 channels, not 4"],
        ),
        (
            "PSROIPooling",
            "psroi_pooling_param { spatial_scale: 1 output_dim: -2 group_size: 0 }",
            ["PSROIPooling needs `output_dim`", "PSROIPooling needs `group_size`"],
        ),
    ],
)
def test_faults(type: str, fields: str, messages: list[str]):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(text(type, fields, 4))
    found = [d.message for d in caught.value.diagnostics]
    assert len(found) == len(messages)
    assert all(text in message for text, message in zip(messages, found, strict=True))


def test_regions_have_five_numbers():
    net = text("ROIPooling", "roi_pooling_param { pooled_h: 2 pooled_w: 2 }", 4)
    with pytest.raises(NetdefError, match=r"must be \(R, 5\): image, x1, y1, x2, y2"):
        netdef.loads(net.replace(f"[{len(REGIONS)}, 5]", "[9, 4]"))

"""C3D's layers against the flat definitions, in both versions' files."""

import numpy as np
import pytest
import torch

import netdef

X = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [2, 3, 4, 5, 6] } } }\n'


def net(kind: str, fields: str) -> str:
    return (
        f'{X}layer {{ name: "c" type: "{kind}" bottom: "x" top: "y"'
        f" convolution3d_param {{ {fields} }} }}"
    )


def program(kind: str, fields: str):
    exe = netdef.compile(netdef.loads(net(kind, fields)), device="cpu")
    for param in exe.params["c"]:
        torch.nn.init.normal_(param, generator=torch.Generator().manual_seed(0))
    return exe


def convolved(x, weight, bias, stride, pad):
    kernel = weight.shape[2:]
    sizes = [(x.shape[2 + i] + 2 * pad[i] - kernel[i]) // stride[i] + 1 for i in range(3)]
    padded = np.pad(x.astype(float), [(0, 0), (0, 0), *((p, p) for p in pad)])
    y = np.zeros((len(x), len(weight), *sizes))
    for tap in np.ndindex(*kernel):
        at = [slice(t, t + s * (n - 1) + 1, s) for t, s, n in zip(tap, stride, sizes, strict=True)]
        seen = padded[:, :, *at]
        y += np.einsum("nclhw,oc->nolhw", seen, weight[:, :, *tap])
    return y if bias is None else y + bias.reshape(-1, 1, 1, 1)


def spread(x, weight, bias, stride, pad):
    kernel = weight.shape[2:]
    sizes = [stride[i] * (x.shape[2 + i] - 1) + kernel[i] for i in range(3)]
    y = np.zeros((len(x), weight.shape[1], *sizes))
    for tap in np.ndindex(*kernel):
        at = [
            slice(t, t + s * (n - 1) + 1, s)
            for t, s, n in zip(tap, stride, x.shape[2:], strict=True)
        ]
        y[:, :, *at] += np.einsum("nclhw,co->nolhw", x.astype(float), weight[:, :, *tap])
    y = y[:, :, *(slice(p, s - p) for p, s in zip(pad, sizes, strict=True))]
    return y if bias is None else y + bias.reshape(-1, 1, 1, 1)


@pytest.mark.parametrize(
    ("kind", "by_definition"), [("Convolution3D", convolved), ("Deconvolution3D", spread)]
)
@pytest.mark.parametrize(
    ("fields", "stride", "pad"),
    [
        ("kernel_size: 3 kernel_depth: 2", (1, 1, 1), (0, 0, 0)),
        ("kernel_size: 3 kernel_depth: 3 pad: 1 temporal_pad: 1", (1, 1, 1), (1, 1, 1)),
        ("kernel_size: 2 kernel_depth: 3 stride: 3 bias_term: false", (1, 3, 3), (0, 0, 0)),
        ("kernel_size: 2 kernel_depth: 2 temporal_stride: 2 pad: 1", (2, 1, 1), (0, 1, 1)),
    ],
)
def test_definition(kind, by_definition, fields, stride, pad):
    exe = program(kind, f"num_output: 4 {fields}")
    weight, *bias = (p.detach().numpy() for p in exe.params["c"])
    if bias:
        assert bias[0].shape == (1, 1, 1, 1, 4)
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5, 6)).astype(np.float32)
    expected = by_definition(x, weight, bias[0] if bias else None, stride, pad)
    y = exe({"x": x})["y"].detach().numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("kind", ["Convolution3D", "Deconvolution3D"])
def test_gradients(kind):
    exe = program(kind, "num_output: 2 kernel_size: 2 kernel_depth: 2 stride: 2 pad: 1").double()
    x = torch.randn(1, 3, 2, 2, 3, dtype=torch.float64, requires_grad=True)

    def run(x: torch.Tensor, *params: torch.Tensor) -> torch.Tensor:
        del params
        return exe({"x": x})["y"]

    assert torch.autograd.gradcheck(run, (x, *exe.params["c"]))


@pytest.mark.parametrize("kind", ["Convolution3D", "Deconvolution3D"])
@pytest.mark.parametrize("bias", ["", "bias_term: false"])
def test_what_follows_is_folded_into_it(kind, bias):
    text = (
        net(kind, f"num_output: 4 kernel_size: 2 kernel_depth: 2 {bias}")
        + """
        layer { name: "s" type: "Scale" bottom: "y" top: "s" scale_param { bias_term: true } }"""
    )
    exe = netdef.compile(netdef.loads(text), device="cpu")
    for param in (*exe.params["c"], *exe.params["s"]):
        torch.nn.init.normal_(param)
    x = torch.randn(2, 3, 4, 5, 6)
    smaller = exe.optimized()
    assert [layer.name for layer in smaller.net.layers][1:] == ["c"]
    torch.testing.assert_close(smaller({"x": x})["s"], exe({"x": x})["s"].detach())


@pytest.mark.parametrize("kind", ["Convolution3D", "Deconvolution3D"])
@pytest.mark.parametrize("field", ["group", "filter_group"])
def test_groups_have_no_effect(kind, field):
    fields = "num_output: 4 kernel_size: 2 kernel_depth: 2"
    loaded = netdef.loads(net(kind, f"{fields} {field}: 2"))
    (warning,) = loaded.diagnostics
    assert (warning.rule, warning.severity.name) == ("ignored-field", "WARNING")
    plain = netdef.loads(net(kind, f"{fields} {field}: 1"))
    assert not plain.diagnostics
    assert loaded.params["c"][0].shape == plain.params["c"][0].shape


@pytest.mark.parametrize("kind", ["CONVOLUTION3D", "DECONVOLUTION3D"])
def test_version_1_0_has_the_fields_in_convolution_param(kind):
    text = f"""
        layers {{ name: "x" type: DUMMY_DATA top: "x"
                  dummy_data_param {{ shape {{ dim: [1, 3, 4, 6, 6] }} }} }}
        layers {{ name: "c" type: {kind} bottom: "x" top: "y" blobs_lr: 1 blobs_lr: 2
                  convolution_param {{ num_output: 4 kernel_size: 3 kernel_depth: 2 pad: 1
                                       temporal_stride: 2 }} }}"""
    loaded = netdef.loads(text)
    frames = 2 if kind == "CONVOLUTION3D" else 8
    assert loaded.blobs["y"].shape == (1, 4, frames, 6, 6)


@pytest.mark.parametrize("kind", ["Convolution3D", "Deconvolution3D"])
@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ("", ["needs `num_output`", "needs `kernel_size`", "needs `kernel_depth`"]),
        ("num_output: 4 kernel_size: 0 kernel_depth: 1", ["`kernel_size` must be at least 1"]),
        ("num_output: 4 kernel_size: 1 kernel_depth: 1 stride: 0", ["`stride` must be at least 1"]),
        ("num_output: 0 kernel_size: 1 kernel_depth: 1", ["`num_output` must be at least 1"]),
    ],
)
def test_faults(kind, fields, parts):
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(net(kind, fields))
    messages = [d.message for d in caught.value.diagnostics]
    assert len(messages) == len(parts)
    assert all(p in m for p, m in zip(parts, messages, strict=True))


def test_what_does_not_fit():
    with pytest.raises(netdef.NetdefError, match="a window of 5 along axis 2 does not fit into 4"):
        netdef.loads(net("Convolution3D", "num_output: 1 kernel_size: 1 kernel_depth: 5"))
    fields = "num_output: 1 kernel_size: 1 kernel_depth: 1 temporal_pad: 2"
    with pytest.raises(netdef.NetdefError, match="padding of 2 leaves nothing of the 4"):
        netdef.loads(net("Deconvolution3D", fields))


def test_the_block_of_version_1_0_in_a_current_file_is_pointed_at():
    text = net("Convolution3D", "").replace("convolution3d_param {", "convolution_param {")
    text = text.replace("{  }", "{ num_output: 4 kernel_size: 3 kernel_depth: 3 }")
    with pytest.raises(netdef.NetdefError) as caught:
        netdef.loads(text)
    notes = [d.note for d in caught.value.diagnostics if "kernel_size" in d.message]
    assert notes == ["in files of the current format its fields are in `convolution3d_param`"]

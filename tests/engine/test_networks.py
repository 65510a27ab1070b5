from __future__ import annotations

import pytest
import torch

from napari_bioseg.engine.networks import EncoderDecoder, network_shape
from napari_bioseg.settings import NetworkSettings


def build(dimensions: int, inputs: int = 1, outputs: int = 2, **values: object):
    settings = NetworkSettings(**{"features": 4, "depth": 2, **values})
    shape = network_shape(settings, dimensions, (1.0,) * dimensions)
    return EncoderDecoder(inputs, outputs, settings, shape)


@pytest.mark.parametrize("architecture", ["unet", "residual_unet"])
@pytest.mark.parametrize("upsampling", ["transposed", "linear"])
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (1, 5), (9, 17, 23), (1, 20, 31)])
def test_any_size_comes_out_as_it_went_in(architecture, upsampling, size):
    network = build(len(size), 3, 5, architecture=architecture, upsampling=upsampling)
    network.eval()
    assert network(torch.zeros(2, 3, *size)).shape == (2, 5, *size)


@pytest.mark.parametrize("normalization", ["batch", "instance", "group", "none"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "silu"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_every_norm_and_activation_learns(normalization, activation, dimensions):
    torch.manual_seed(0)
    network = build(
        dimensions, normalization=normalization, activation=activation, dropout=0.1
    )
    image = torch.randn(2, 1, *(8, 8, 8)[:dimensions])
    target = (image > 0).float().expand(-1, 2, *(-1,) * dimensions)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            network(image), target
        )
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert min(losses[-5:]) < 0.8 * losses[0]


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_depth_decides_the_multiple(depth):
    network = build(2, depth=depth)
    assert network.shape.multiple == (2**depth, 2**depth)


@pytest.mark.parametrize(
    ("spacing", "z_levels", "multiple", "kernels"),
    [
        ((1.0, 1.0, 1.0), "auto", (8, 8, 8), (3, 3, 3, 3)),
        ((2.0, 1.0, 1.0), "auto", (4, 8, 8), (1, 3, 3, 3)),
        ((5.0, 1.0, 1.0), "auto", (2, 8, 8), (1, 1, 3, 3)),
        ((100.0, 1.0, 1.0), "auto", (1, 8, 8), (1, 1, 1, 3)),
        ((1.0, 1.0, 1.0), 0, (1, 8, 8), (1, 1, 1, 3)),
        ((5.0, 1.0, 1.0), 3, (8, 8, 8), (3, 3, 3, 3)),
    ],
)
def test_coarse_z_is_left_alone(spacing, z_levels, multiple, kernels):
    settings = NetworkSettings(depth=3, z_levels=z_levels)
    shape = network_shape(settings, 3, spacing)
    assert shape.multiple == multiple
    assert tuple(kernel[0] for kernel in shape.kernels) == kernels
    assert all(kernel[1:] == (3, 3) for kernel in shape.kernels)


@pytest.mark.parametrize("upsampling", ["transposed", "linear"])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("architecture", ["unet", "residual_unet"])
def test_halo_bounds_how_far_a_pixel_looks(upsampling, depth, architecture):
    torch.manual_seed(0)
    network = build(
        2, depth=depth, upsampling=upsampling, architecture=architecture,
        normalization="none", activation="elu",
    ).double().eval()  # fmt: skip
    halo = network.shape.halo[0]
    size = 2 * halo + 4 * 2**depth
    image = torch.randn(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    reach = 0
    for pixel in range(size // 2, size // 2 + 2**depth):
        (gradient,) = torch.autograd.grad(network(image)[0, 0, pixel, pixel], image)
        seen = gradient[0, 0].abs().sum(dim=1).nonzero().ravel()
        reach = max(reach, pixel - int(seen.min()), int(seen.max()) - pixel)
    assert reach <= halo
    assert reach > halo - 3 * 2**depth  # no wasteful bound either

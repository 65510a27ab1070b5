"""Every architecture: any size and channels, 2-D and 3-D, learns, knows its reach."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from napari_bioseg.engine import Model
from napari_bioseg.engine.networks import make_network, network_notes, network_shape
from napari_bioseg.engine.networks.attention import AttentionGate
from napari_bioseg.engine.networks.blocks import SqueezeExcite, Style
from napari_bioseg.engine.networks.multires import MultiResBlock
from napari_bioseg.settings import NetworkSettings, TrainedOn, Workflow
from napari_bioseg.settings.network import Architecture

EVERY = get_args(Architecture)
CONVOLUTIONS = [name for name in EVERY if not name.startswith("unetr")]
LIGHT = [*CONVOLUTIONS, "unetr_mini"]  # the others differ from it in size only
SMALL = {"features": 4, "depth": 2}
SIZES = [(32, 32), (33, 47), (1, 5), (9, 17, 23), (1, 20, 31)]
CASES = [(name, size) for name in LIGHT for size in SIZES]
CASES += [(name, (33, 20)) for name in EVERY if name not in LIGHT]


def build(architecture: str, dimensions: int = 2, inputs=1, outputs=2, **values):
    facts = {name: values.pop(name) for name in ("spacing", "patch") if name in values}
    facts.setdefault("spacing", (1.0,) * dimensions)
    facts.setdefault("patch", (32, 32, 32)[:dimensions])
    settings = NetworkSettings(architecture=architecture, **{**SMALL, **values})
    torch.manual_seed(0)
    trained = TrainedOn(dimensions=dimensions, in_channels=inputs, **facts)
    return make_network(outputs, settings, trained)


@pytest.mark.parametrize(("architecture", "size"), CASES)
def test_any_size_comes_out_as_it_went_in(architecture, size):
    network = build(architecture, len(size), inputs=3, outputs=5).eval()
    with torch.inference_mode():
        out = network(torch.zeros(2, 3, *size))
    assert out.shape == (2, 5, *size)
    assert torch.isfinite(out).all()


@pytest.mark.parametrize(
    ("architecture", "dimensions"),
    [*((name, 2) for name in EVERY), *((name, 3) for name in LIGHT)],
)
def test_every_weight_learns_from_every_channel(architecture, dimensions):
    network = build(
        architecture, dimensions, inputs=2, patch=(16, 32, 16)[-dimensions:]
    )
    image = torch.randn(2, 2, *(16, 32, 16)[-dimensions:], requires_grad=True)
    network(image).square().mean().backward()
    assert all(seen.abs().sum() > 0 for seen in image.grad.transpose(0, 1))
    idle = [
        name
        for name, weight in network.named_parameters()
        if weight.grad is None or not torch.isfinite(weight.grad).all()
    ]
    assert not idle


@pytest.mark.parametrize("architecture", LIGHT)
def test_coarse_z_is_left_alone(architecture):
    network = build(architecture, 3, spacing=(4.0, 1.0, 1.0), patch=(8, 32, 32)).eval()
    depth = len(network.shape.strides)
    multiple = network.shape.multiple
    if architecture in CONVOLUTIONS:
        assert multiple == (1, 4, 4)
    else:
        assert (depth, multiple) == (4, (4, 16, 16))  # half a window
    with torch.inference_mode():
        assert network(torch.randn(1, 1, 5, 32, 32)).shape == (1, 2, 5, 32, 32)


@pytest.mark.parametrize("architecture", LIGHT)
def test_a_few_steps_lower_the_loss_in_3d(architecture):
    patch = (16, 16, 16)
    network = build(architecture, 3, patch=patch, features=8)
    image = torch.randn(2, 1, *patch)
    wanted = (image > 0).float().expand(-1, 2, -1, -1, -1)
    rate = 1e-2 if architecture in CONVOLUTIONS else 3e-3
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate)
    losses = []
    for _ in range(16):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            network(image), wanted
        )
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert min(losses[-4:]) < 0.85 * losses[0]


@pytest.mark.parametrize("architecture", LIGHT)
def test_weights_go_from_one_model_to_another(architecture):
    workflow = Workflow(
        network=NetworkSettings(architecture=architecture, **SMALL),
        trained=TrainedOn(patch=(32, 32)),
    )
    first, second = Model.create(workflow, seed=1), Model.create(workflow, seed=2)
    image = torch.randn(1, 1, 40, 40)
    with torch.inference_mode():
        wanted = first.network(image)
        assert not torch.equal(second.network(image), wanted)
        second.load_state_dict(first.state_dict())
        assert torch.equal(second.network(image), wanted)


@pytest.mark.parametrize("upsampling", ["transposed", "linear"])
@pytest.mark.parametrize("kernel", ["auto", 5])
@pytest.mark.parametrize(
    "architecture", ["unet", "attention_unet", "multiresunet", "unext"]
)
def test_halo_bounds_how_far_a_pixel_looks(architecture, upsampling, kernel):
    network = build(
        architecture, upsampling=upsampling, kernel=kernel, normalization="none",
        activation="elu",
    ).double().eval()  # fmt: skip
    assert not network.shape.sees_all
    halo = network.shape.halo[0]
    size = 2 * halo + 16
    image = torch.randn(1, 1, size, 24, dtype=torch.float64, requires_grad=True)
    reach = 0
    for pixel in range(size // 2, size // 2 + 4):
        (gradient,) = torch.autograd.grad(network(image)[0, 0, pixel, 12], image)
        seen = gradient[0, 0].abs().sum(dim=1).nonzero().ravel()
        reach = max(reach, pixel - int(seen.min()), int(seen.max()) - pixel)
    assert reach <= halo
    assert reach > halo - 3 * 4 - kernel_slack(kernel)


def kernel_slack(kernel) -> int:
    return 0 if kernel == "auto" else 4


@pytest.mark.parametrize("architecture", ["se_unet", "resunet_se", "resunet_plus_plus"])
def test_networks_that_see_all_say_so(architecture):
    network = build(architecture).eval()
    assert network.shape.sees_all
    image = torch.randn(1, 1, 64, 64)
    other = image.clone()
    other[..., -1, -1] += 10  # the corner furthest away
    with torch.inference_mode():
        near, changed = (network(x)[..., 0, 0] for x in (image, other))
    assert not torch.equal(near, changed)


def test_norms_over_the_image_make_it_count_as_a_whole():
    settings = NetworkSettings(normalization="instance")
    assert network_shape(settings, 2, (1.0, 1.0)).sees_all


def test_windows_agree_where_they_start_at_multiples():
    network = build("unetr_mini", patch=(16, 32)).eval()
    assert network.shape.multiple == (8, 16)
    assert network.shape.halo == (16, 32)
    image = torch.randn(1, 1, 70, 130)
    with torch.inference_mode():
        whole = network(image)
        part = network(image[..., 24:, 48:])
    inner = (..., slice(24 + 16, None), slice(48 + 32, None))
    torch.testing.assert_close(part[..., 16:, 32:], whole[inner])
    assert (part - whole[..., 24:, 48:]).abs().max() > 1e-3  # the outer part differs


def test_a_patch_goes_through_unetr_as_it_is():
    network = build("unetr_mini", patch=(32, 32)).eval()
    image = torch.randn(2, 1, 32, 32)
    with torch.inference_mode():
        assert torch.equal(network(image), network.network(image))


def test_unetr_asks_for_its_patch():
    with pytest.raises(ValueError, match=r"unetr_mini takes patches of one size"):
        build("unetr_mini", patch=())
    with pytest.raises(
        ValueError, match=r"\(40, 32\) must be a multiple of \(16, 16\)"
    ):
        build("unetr_mini", patch=(40, 32))


def test_a_gate_lets_through_between_nothing_and_all():
    gate = AttentionGate(4, 2, Style("none"))
    skip = torch.rand(1, 4, 8, 8) + 0.1
    share = (gate(skip, torch.randn(1, 4, 8, 8)) / skip).detach()
    assert 0 < float(share.min()) < float(share.max()) < 1
    torch.testing.assert_close(share[:, :1].expand_as(share), share)  # one for all maps


def test_squeezing_weighs_each_map_by_its_mean():
    squeeze = SqueezeExcite(4)
    image = torch.rand(2, 4, 8, 8, 8) + 0.1
    weight = squeeze(image) / image
    flat = weight.flatten(2)
    torch.testing.assert_close(flat, flat[..., :1].expand_as(flat))
    torch.testing.assert_close(squeeze(image.flip(3)), squeeze(image).flip(3))


def test_multires_blocks_are_as_wide_as_published():
    block = MultiResBlock(1, MultiResBlock.width(32), (3, 3), Style())
    assert MultiResBlock.width(32) == 53
    assert [step[0].out_channels for step in block.steps] == [8, 17, 28]


@pytest.mark.parametrize(
    ("settings", "notes"),
    [
        ({}, []),
        ({"architecture": "unext", "kernel": 5}, []),
        (
            {"architecture": "unext", "normalization": "group"},
            ["normalization = group"],
        ),
        ({"architecture": "unetr_base"}, []),
        (
            {"architecture": "unetr_base", "depth": 3, "upsampling": "transposed"},
            ["upsampling = transposed", "depth = 3"],
        ),
        ({"custom": "mine"}, ["'mine' of your own is trained instead"]),
    ],
)
def test_settings_without_effect_are_named(settings, notes):
    found = network_notes(NetworkSettings(**settings))
    assert len(found) == len(notes)
    for sentence, part in zip(found, notes, strict=True):
        assert part in sentence


def test_more_growth_and_features_give_more_weights():
    def weights(**values) -> int:
        return sum(w.numel() for w in build("unet", **values).parameters())

    assert weights(growth=1.5) < weights() < weights(growth=2.5)
    assert weights(kernel=3) == weights() < weights(kernel=5)


def test_even_kernels_are_refused():
    with pytest.raises(ValueError, match=r"odd: 3, 5 or 7, not 4"):
        NetworkSettings(kernel=4)


def test_as_many_weights_as_published():
    usual = {"features": 16, "depth": 4}
    unet = build(
        "unet", normalization="none", upsampling="transposed", outputs=1, **usual
    )
    assert sum(w.numel() for w in unet.parameters()) == pytest.approx(1.94e6, rel=2e-3)
    unetr = build("unetr_base", 3, patch=(96, 96, 96), **usual)
    assert sum(w.numel() for w in unetr.parameters()) == pytest.approx(92.6e6, rel=5e-3)

"""Parity with the reference, case by case; run with ``-s`` to read the table."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_bioseg.channels import LiveDecoder, Prediction, decode, encode
from napari_bioseg.measure import match
from napari_bioseg.settings import (
    Contour,
    Distance,
    DistanceV2,
    Foreground,
    InstanceSettings,
    Mask,
    Points,
)

OUTSIDE = "it marks the background side only; here every pixel that touches"
WIDER = "its M takes in the contour outside the instances; here the instances alone"
FLAT = "the 2023 release's BDv2 is 1 all over the instances, without a contour"
STRAY = "it leaves centres of mass outside their instance; here they are moved into it"
LONE = "beside its D it draws nothing in an image of one instance"
LEGACY_OUTER = "the 2023 release's skimage drew more where objects touch"
LEGACY_DENSE = "the 2023 release draws its thick contour"
BACKGROUND = "its B means background since 3.6; here 1 - F"
CONSTANT = "instances whose distances are all alike get 1, there 0 and are lost"
SIGNED = "its D is another quantity: signed, squashed, negative outside"
SLICES = "its points of a volume are discs in single slices; here balls"
LEGACY_LANDSCAPE = "the 2023 release floods the distance to the background instead of B"
LEGACY_DV2 = "the 2023 release ignores Dv2 for seeds and floods -Dv2; here Dv2 itself"
LEGACY_MASK = "the 2023 release lets BCM grow in B; here, as documented, in M"


def read(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    return arrays, json.loads(path.with_suffix(".json").read_text())


def labels_of(golden: Path, name: str) -> np.ndarray:
    return read(golden / f"labels_{name}.npz")[0]["labels"]


def ours(name: str, options: dict, mode: str | None) -> object:
    """The setting that stands for one channel of the reference."""
    if name in ("F", "B"):
        reshaped = {key: options.get(key, 0) for key in ("erosion", "dilation")}
        return Foreground(**reshaped)
    if name == "C":
        return Contour(mode=mode or options["mode"])
    if name == "P":
        return Points(dilation=options.get("dilation", 3))
    if name == "Db":
        return Distance(scale="instance" if options["val_type"] == "norm" else "none")
    return Mask()


def compare(mine: np.ndarray, theirs: np.ndarray, limit: float) -> int:
    return int((np.abs(mine - theirs.astype(np.float32)) > limit).sum())


def test_channels_of_the_current_release(golden: Path) -> None:
    table = []
    for path in sorted(golden.glob("ch371_*.npz")):
        arrays, facts = read(path)
        labels = labels_of(golden, facts["labels"])
        spacing = facts["resolution"][-labels.ndim :]
        for index, name in enumerate(facts["mode"]):
            theirs = arrays["channels"][..., index]
            options = facts["channel_extra_opts"].get(name, {})
            case = f"{facts['labels']} {path.stem.split('_', 2)[2]} {name}"
            if name == "D":
                table.append((case, "differs", SIGNED))
                continue
            mine = encode(labels, [ours(name, options, None)], spacing=spacing)[0]
            reason = ""
            if name == "B":
                mine, reason = 1 - mine, BACKGROUND
                if not labels.any():
                    mine, reason = 1 - mine, f"{BACKGROUND}; it forgets empty images"
            if name == "C" and options["mode"] == "dense":
                mine, reason = outside(labels), OUTSIDE
            if name == "M" and "C" in facts["mode"]:
                contour = encode(labels, "C")[0]
                mine, reason = np.maximum(mine, contour), WIDER
            if (
                name == "P"
                and (plain := stray_points(labels, options["dilation"])) is not None
            ):
                mine, reason = plain, STRAY
            if name == "Db" and options["val_type"] == "norm":
                constant = constant_instances(labels, spacing)
                if constant.any():
                    assert (mine[constant] == 1).all()
                    assert not theirs[constant].any()
                    mine, reason = np.where(constant, 0, mine), CONSTANT
            if not theirs.any() and len(np.unique(labels)) == 2:
                mine, reason = mine * 0, LONE
            limit = {"Db": 1e-4 if options.get("val_type") == "raw" else 1e-6}
            wrong = compare(mine, theirs, limit.get(name, 0))
            assert wrong == 0, case
            table.append((case, "differs" if reason else "equal", reason))
    report(table)
    assert sum(row[1] == "equal" for row in table) >= 100


def outside(labels: np.ndarray) -> np.ndarray:
    """The thick contour's background side, slice by slice."""
    if labels.ndim == 3:
        return np.stack([outside(plane) for plane in labels])
    thick, inner = (encode(labels, [Contour(mode=m)])[0] for m in ("thick", "inner"))
    return thick - inner


def stray_points(labels: np.ndarray, radius: int) -> np.ndarray | None:
    """Points at the plain centres of mass, if one of them misses its instance."""
    names = np.unique(labels[labels > 0])
    centres = np.round(ndimage.center_of_mass(labels > 0, labels, names)).astype(int)
    place = tuple(centres.reshape(-1, labels.ndim).T)
    if (labels[place] == names).all():
        return None
    points = np.ones(labels.shape, bool)
    points[place] = False
    return (ndimage.distance_transform_edt(points) <= radius).astype(np.float32)


def constant_instances(labels: np.ndarray, spacing: list[float]) -> np.ndarray:
    distance = encode(labels, [Distance(scale="none")], spacing=spacing)[0]
    names = np.unique(labels[labels > 0])
    alike = [np.ptp(distance[labels == name]) == 0 for name in names]
    return np.isin(labels, names[np.array(alike, bool)])


def test_channels_of_the_documented_release(golden: Path) -> None:
    table = []
    for path in sorted(golden.glob("chleg_*.npz")):
        arrays, facts = read(path)
        labels = labels_of(golden, facts["labels"])
        theirs = np.moveaxis(arrays["channels"], -1, 0)
        mode = facts["fb_mode"]
        kinds: dict[str, object] = {
            "B": "F" if facts["mode"] == "BP" else "B",
            "C": Contour(mode=mode),
            "M": "M",
            "P": "P",
            "D": Distance(scale="none", region="foreground"),
            "Dv2": DistanceV2(region="foreground"),
        }
        names = list(facts["mode"].replace("Dv2", "")) + ["Dv2"] * (
            "v2" in facts["mode"]
        )
        channels = encode(labels, [kinds[name] for name in names])
        for name, mine, expected in zip(names, channels, theirs, strict=True):
            case = f"{facts['labels']} {facts['mode']} {mode} {name}"
            reason = ""
            if name in "BC" and mode in ("outer", "dense"):
                reason = LEGACY_OUTER if mode == "outer" else LEGACY_DENSE
                if mode == "dense":
                    thick = encode(labels, ["B", "C"])
                    mine = thick["BC".index(name)]
            if name == "P" and labels.ndim == 3:
                reason = SLICES
            if (
                name == "P"
                and labels.ndim == 2
                and (plain := stray_points(labels, 3)) is not None
            ):
                mine, reason = plain, STRAY
            if facts["mode"] == "BDv2" and name == "Dv2":
                outside = encode(labels, [DistanceV2(region="foreground")])[0]
                far = (labels == 0) & (encode(labels, "C")[0] == 0)
                mine, reason = np.where(far, outside, expected), FLAT
                assert (expected[labels > 0] == 1).all(), case
            limit = {"D": 1e-5, "Dv2": 1e-6}.get(name, 0)
            wrong = compare(mine, expected, limit)
            if reason in (LEGACY_OUTER, SLICES):
                assert 0 < wrong < 0.05 * labels.size, case
            else:
                assert wrong == 0, case
            table.append((case, "differs" if reason else "equal", reason))
    report(table)
    assert sum(row[1] == "equal" for row in table) >= 50


SEED = {
    "F": "seed_binary",
    "C": "seed_contour",
    "D": "seed_distance",
    "Db": "seed_distance",
    "P": "seed_points",
}


def test_instances_of_the_current_release(golden: Path) -> None:
    table = []
    for path in sorted(golden.glob("inst371_*.npz")):
        arrays, facts = read(path)
        case = path.stem.removeprefix("inst371_")
        used = ast.literal_eval(facts["thresholds_used"].split(": ", 1)[1])
        pairs = zip(facts["seed_channels"], used["seed"], strict=True)
        values = {SEED[name]: value for name, value in pairs}
        grown = facts["growth_mask_channels"][0]
        # their M stands beside F without a part in it, and D is signed
        kept = [i for i, name in enumerate(facts["channels"]) if name != "M"]
        data = np.moveaxis(arrays["pred"], -1, 0)[kept]
        names = [facts["channels"][i].replace("Db", "D") for i in kept]
        if min(values.values()) < 0 or grown == "D":
            table.append((case, "differs", SIGNED))
            continue
        values["foreground_binary"] = used["growth_mask"][0]
        prediction = Prediction(data, names)
        settings = InstanceSettings(landscape="binary", **values)
        found = decode(prediction, settings)
        assert found.count == facts["n_instances"], case
        expected = arrays["instances"].astype(int)
        agreement = match(expected, found.labels, 0.9)[0].f1
        assert agreement >= 0.999, case
        names_of, counts = np.unique(
            np.stack([expected.ravel(), found.labels.ravel()]),
            axis=1,
            return_counts=True,
        )
        best: dict[int, int] = {}
        for (name, _), count in zip(names_of.T, counts, strict=True):
            best[name] = max(best.get(name, 0), int(count))
        other = expected.size - sum(best.values())
        table.append((case, "equal", f"{other} of {expected.size} pixels are ties"))
        assert other <= 10, case
        if case.endswith("_auto"):
            auto = {**dict.fromkeys(values, "auto"), "landscape": "binary"}
            own = LiveDecoder(prediction).update(InstanceSettings(**auto)).thresholds
            assert own == {**values, "foreground_binary": values["foreground_binary"]}
    report(table)


LEGACY = {
    "BCD": "",
    "BC": LEGACY_LANDSCAPE,
    "BP": LEGACY_LANDSCAPE,
    "BCM": LEGACY_MASK,
    "BCDv2": LEGACY_DV2,
    "BDv2": LEGACY_DV2,
    "Dv2": LEGACY_DV2,
}


def test_instances_of_the_documented_release(golden: Path) -> None:
    table = []
    for path in sorted(golden.glob("instleg_*.npz")):
        arrays, facts = read(path)
        name = facts["channels"]
        limits = facts["ths"]
        settings = InstanceSettings(
            seed_binary=limits["TH_BINARY_MASK"],
            seed_contour=limits["TH_CONTOUR"],
            seed_points=limits["TH_POINTS"],
            seed_distance=limits["TH_DISTANCE"],
            seed_dv2=min(limits["TH_DISTANCE"], 1),
            foreground_binary=limits["TH_FOREGROUND"],
            foreground_distance=(
                limits["TH_DIST_FOREGROUND"] if name == "BCD" else "off"
            ),
            smoothing=0,
        )
        prediction = Prediction(np.moveaxis(arrays["pred"], -1, 0), name)
        found = decode(prediction, settings)
        expected = arrays["instances"]
        case = path.stem.split("_", 2)[2]
        reason = LEGACY[name]
        if not reason:
            agreement = match(expected.astype(int), found.labels, 0.999)[0]
            assert agreement.f1 == 1, case
        elif name in ("BC", "BP", "BCM"):
            # the same seeds, divided elsewhere
            assert found.count == len(np.unique(expected)) - 1, case
        table.append((case, "differs" if reason else "equal", reason))
    report(table)
    assert ("touch2d_BCD_default", "equal", "") in table


def report(table: list[tuple[str, str, str]]) -> None:
    if not table:
        pytest.fail("there are no cases of this kind")
    print()
    for case, verdict, reason in table:
        print(f"{case:40} {verdict:8} {reason}".rstrip())
    equal = sum(row[1] == "equal" for row in table)
    print(f"{equal} of {len(table)} equal, {len(table) - equal} differ for a reason")

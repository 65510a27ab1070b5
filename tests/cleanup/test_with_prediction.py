"""Steps that look at more than the labels: channels, spacing, brightness, regions."""

import gc
import weakref

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import ndimage as ndi

from napari_bioseg.channels import Prediction, encode
from napari_bioseg.cleanup import (
    apply,
    filter_channels,
    join_slices,
    remove_close,
    voronoi,
    yz_filter,
    z_filter,
)
from napari_bioseg.samples import touching_cells_2d
from napari_bioseg.settings import (
    CleanupSettings,
    Condition,
    JoinSlices,
    RegionOfInterest,
    RemoveByProperties,
    RemoveClose,
    RemoveSmall,
    RepairLarge,
    Voronoi,
    Workflow,
    WorkflowError,
    YZFilter,
    ZFilter,
    conditions,
    groups_of,
    written,
)


def drawn(text: str) -> np.ndarray:
    """Turn rows of digits into labels; a dot is background."""
    return np.array([[int(c.replace(".", "0")) for c in row] for row in text.split()])


def test_conditions_with_spacing_and_brightness():
    labels = drawn("11.2 11.2")
    image = labels * 10
    small = RemoveByProperties(conditions=conditions("area < 3"))
    assert np.unique(apply(labels, [small])).tolist() == [0, 1]
    assert np.unique(apply(labels, [small], spacing=(2, 2))).tolist() == [0, 1, 2]
    dim = RemoveByProperties(conditions=conditions("mean_intensity < 15"))
    assert np.unique(apply(labels, [dim], image=image)).tolist() == [0, 2]
    with pytest.raises(ValueError, match="mean_intensity needs an image"):
        apply(labels, [dim])
    none = RemoveByProperties(conditions=())
    assert np.array_equal(apply(labels, [none]), labels)
    # of a class, every piece is measured on its own
    pieces = drawn("11.1 11.1")
    assert apply(pieces, [small], classes=True).tolist() == drawn("11.. 11..").tolist()


def test_conditions_in_a_file_and_as_text(tmp_path):
    step = RemoveByProperties(conditions=conditions("npixels > 9 and circularity < 1"))
    workflow = Workflow(cleanup=CleanupSettings(steps=(step,), filters=(ZFilter(),)))
    path = tmp_path / "workflow.yaml"
    workflow.to_yaml(path)
    assert Workflow.from_yaml(path) == workflow
    text = path.read_text().split("cleanup:")[0]
    path.write_text(
        text + "cleanup:\n  steps:\n  - step: remove_by_properties\n"
        "    conditions: npixels > 9 & circularity < 1\n"
        "  filters:\n  - step: z_filter\n"
    )
    assert Workflow.from_yaml(path) == workflow
    path.write_text("cleanup:\n  filters:\n  - step: z_filter\n    size: 4\n")
    with pytest.raises(WorkflowError, match="a window has a middle: take 3 or 5"):
        Workflow.from_yaml(path)
    with pytest.raises(ValidationError, match="no condition"):
        RemoveByProperties(conditions="small")


def test_groups_of_conditions():
    labels = drawn("1.222.33333 ..222.33333")
    step = RemoveByProperties(conditions="npixels < 2 or npixels > 5 and diameter > 4")
    assert np.unique(apply(labels, [step])).tolist() == [0, 2]
    assert written(step.conditions) == "npixels < 2 or npixels > 5 and diameter > 4"
    assert [len(group) for group in groups_of(step.conditions)] == [1, 2]
    both = RemoveByProperties(conditions="npixels < 2 and npixels > 5 and diameter > 4")
    assert np.array_equal(apply(labels, [both]), labels)
    # the first has nothing to be joined to
    alone = step.conditions[1]
    assert alone.joined == "or"
    assert RemoveByProperties(conditions=(alone,)).conditions[0].joined == "and"


def test_a_step_that_is_off_does_nothing_and_stays_in_the_file(tmp_path):
    labels = drawn("1.22 ..22")
    off = RemoveSmall(size=3, enabled=False)
    assert np.unique(apply(labels, [off.replace(enabled=True)])).tolist() == [0, 2]
    assert np.array_equal(apply(labels, [off]), labels)
    cleanup = CleanupSettings(steps=(off,), filters=(ZFilter(enabled=False),))
    assert (cleanup.running, cleanup.running_filters) == ((), ())
    flat = Prediction(np.zeros((1, 2, 2), np.float32), "B")
    assert filter_channels(flat, cleanup.filters) is flat
    workflow = Workflow(cleanup=cleanup)
    path = tmp_path / "workflow.yaml"
    workflow.to_yaml(path)
    assert Workflow.from_yaml(path) == workflow
    assert path.read_text().count("enabled: false") == 2
    Workflow(cleanup=CleanupSettings(steps=(RemoveSmall(),))).to_yaml(path)
    assert "enabled" not in path.read_text()


def test_close_objects():
    labels = drawn("11...2..33. 11......333")
    assert np.unique(remove_close(labels, 5)).tolist() == [0, 1, 3]
    assert np.unique(remove_close(labels, 3)).tolist() == [0, 1, 2, 3]
    assert np.unique(remove_close(labels, 99)).tolist() == [0, 3]
    step = RemoveClose(distance=5)
    assert np.unique(apply(labels, [step], spacing=(1, 2))).tolist() == [0, 1, 2, 3]
    # the one between two is settled before it can remove another
    chain = drawn("111.22...3")
    assert np.unique(remove_close(chain, 5)).tolist() == [0, 1, 3]
    assert not remove_close(np.zeros((3, 3), int)).any()
    with pytest.raises(ValueError, match="distance = -1"):
        remove_close(labels, -1)


def test_region_of_interest():
    labels = drawn("1122 1122 ..33")
    inside = drawn("1111 1110 0000")
    cut = apply(labels, [RegionOfInterest()], region=inside)
    assert cut.tolist() == drawn("1122 112. ....").tolist()
    whole = apply(labels, [RegionOfInterest(cut=False)], region=inside > 0)
    assert whole.tolist() == drawn("1122 1122 ....").tolist()
    stack = np.stack([labels, labels])
    both = apply(stack, [RegionOfInterest()], region=inside)
    assert np.array_equal(both, np.stack([cut, cut]))
    with pytest.raises(ValueError, match="needs a region of interest"):
        apply(labels, [RegionOfInterest()])
    with pytest.raises(ValueError, match=r"has shape \(2, 2\), the labels have"):
        apply(labels, [RegionOfInterest()], region=np.ones((2, 2)))


def test_slices_become_a_volume():
    stack = np.stack(
        [drawn("11..22 11..22"), drawn("33..44 3...44"), drawn("5....1 5....1")]
    )
    joined = join_slices(stack, 0.25)
    assert joined.tolist() == [
        drawn("11..22 11..22").tolist(),
        drawn("11..22 1...22").tolist(),
        drawn("1....2 1....2").tolist(),
    ]
    strict = join_slices(stack, 0.7)
    assert strict[2].tolist() == drawn("3....4 3....4").tolist()
    assert np.array_equal(apply(stack[0], [JoinSlices()]), stack[0])
    assert join_slices(np.zeros((0, 3, 3), int)).shape == (0, 3, 3)
    huge = join_slices(stack.astype(np.int64) * 10**12, 0.25)
    assert np.array_equal(huge, joined)


def test_cells_of_a_voronoi_diagram():
    labels = drawn("1....2")
    channel = np.array([[[0.9, 0.9, 0.6, 0.2, 0.9, 0.1]]])
    step = Voronoi(threshold=0.5)
    out = apply(labels, [step], prediction=Prediction(channel, "M"))
    assert out.tolist() == drawn("111.2.").tolist()
    both = Prediction(np.concatenate([channel, channel]), "BC")
    assert apply(labels, [step], prediction=both).tolist() == out.tolist()
    only = Voronoi(mask="B", threshold=0.7)
    assert apply(labels, [only], prediction=both).tolist() == drawn("11..2.").tolist()
    view = (slice(0, 1), slice(1, 4))
    part = apply(labels[view] + 5, [step], prediction=both, view=view)
    assert part.tolist() == [[5, 5, 0]]
    assert not apply(labels * 0, [step], prediction=both).any()


def test_otsu_is_that_of_the_whole_prediction():
    labels = touching_cells_2d(96, seed=8)[1].astype(np.int32)
    prediction = Prediction(encode(labels, "BC"), "BC")
    seeds = np.where(labels % 2, labels, 0)
    whole = voronoi(seeds, prediction=prediction)
    assert np.array_equal(whole > 0, prediction.data.sum(0) > 0)
    view = (slice(10, 40), slice(20, 90))
    part = voronoi(seeds[view], prediction=prediction, view=view)
    assert np.array_equal(part > 0, whole[view] > 0)
    gone = weakref.ref(prediction)
    del prediction
    gc.collect()
    assert gone() is None, "its threshold is remembered no longer than it lives"


@pytest.mark.parametrize(
    ("channels", "step", "message"),
    [
        (None, Voronoi(), "needs the predicted channels"),
        ("D", Voronoi(), "one of the channels M, B and F, but there are D"),
        ("B", Voronoi(mask="BC"), "BC needs the channel C, but there are B"),
        ("B", Voronoi(), r"prediction has shape \(1, 4\), the labels have \(1, 3\)"),
    ],
)
def test_voronoi_lacks_something(channels, step, message):
    prediction = None
    if channels is not None:
        prediction = Prediction(np.zeros((1, 1, 4)), channels)
    with pytest.raises(ValueError, match=message):
        apply(drawn("1.2"), [step], prediction=prediction)


@pytest.mark.parametrize("step", [Voronoi(), RepairLarge(), JoinSlices()])
def test_steps_about_objects_refuse_classes(step):
    with pytest.raises(ValueError, match="is about objects, but these labels are cla"):
        apply(drawn("112"), [step], classes=True)


def test_recorded_voronoi(golden):
    """Equal to BiaPy 3.7.1 but where two objects are equally near."""
    with np.load(golden / "voronoi371_touch2d.npz") as case:
        instances, mask, theirs = case["instances"], case["mask"], case["result"]
    prediction = Prediction(np.stack([mask / 2, mask / 2]), "FC")
    ours = apply(instances, [Voronoi()], prediction=prediction)
    assert np.array_equal(ours > 0, theirs > 0)
    for place in np.argwhere(ours != theirs):
        far = [
            ((np.argwhere(instances == found[tuple(place)]) - place) ** 2).sum(1).min()
            for found in (ours, theirs)
        ]
        assert far[0] == far[1]
    assert (ours != theirs).sum() < 20


@pytest.mark.parametrize("shape", [(9, 7, 5), (2, 3, 4), (1, 4, 6)])
@pytest.mark.parametrize("size", [3, 5])
def test_medians_are_those_of_scipy(shape, size):
    channel = np.random.default_rng(1).random(shape).astype(np.float32)
    along = ndi.median_filter(channel, (size, 1, 1), mode="reflect")
    assert np.array_equal(z_filter(channel, size), along)
    plane = ndi.median_filter(channel, (size, size, 1), mode="reflect")
    assert np.array_equal(yz_filter(channel, size), plane)


def test_filters_in_order():
    data = np.random.default_rng(2).random((2, 6, 8, 8)).astype(np.float32)
    prediction = Prediction(data, "BC", (2, 1, 1))
    assert filter_channels(prediction, []) is prediction
    out = filter_channels(prediction, [ZFilter(size=3), YZFilter(size=3)])
    wanted = [yz_filter(z_filter(channel, 3), 3) for channel in data]
    assert np.array_equal(out.data, wanted)
    assert out.channels == prediction.channels
    assert out.spacing == prediction.spacing
    with pytest.raises(ValueError, match="z_filter works along Z"):
        filter_channels(Prediction(data[:, 0], "BC"), [ZFilter()])


def test_a_step_of_conditions_describes_itself():
    assert str(Condition(property="area", comparison="ge", value=2.5)) == "area >= 2.5"

"""The commands, run as a user runs them, on small folders made for the purpose."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from napari_bioseg.channels import decode
from napari_bioseg.cleanup import apply
from napari_bioseg.cli import COMMANDS, main
from napari_bioseg.io import (
    image_info,
    open_model,
    peek_model,
    read_image,
    read_labels,
    read_prediction,
    stem_of,
    write_image,
    write_labels,
    write_prediction,
)
from napari_bioseg.samples import touching_cells_2d, touching_cells_3d
from napari_bioseg.settings import FillHoles, RemoveSmall, SemanticTask, Workflow

TINY = [
    *("--network.features", "4", "--network.depth", "1", "--train.epochs", "1"),
    *("--train.steps", "4", "--train.device", "cpu", "--predict.device", "cpu"),
]
TRAIN_TINY = TINY[:-2]  # 'train' does not predict
TUNED = ["--instances.seed-binary", "0.4", "--cleanup.steps", "remove_small size=5"]


def command(*words, **options):
    """Run the installed program in a process of its own."""
    code = "import sys; from napari_bioseg.cli import main; sys.exit(main())"
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


def fill(folder, cells, spacing):
    for name, seed in (("cell_1", 1), ("cell_2", 2)):
        image, labels = cells(seed)
        write_image(
            folder / f"images/{name}.tif", image[None], spacing=spacing, unit="um"
        )
        write_labels(folder / f"labels/{name}_mask.tif", labels)
        write_labels(folder / f"classes/{name}.tif", (labels > 0).astype("uint8"))


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """Two small 2-D images with labels, and a model trained on them by the program."""
    folder = tmp_path_factory.mktemp("flat")
    fill(folder, lambda seed: touching_cells_2d(72, seed=seed), (0.5, 0.5))
    folders = ["--images", folder / "images", "--labels", folder / "labels"]
    made = command("train", *folders, "--model", folder / "model", *TRAIN_TINY)
    assert made.returncode == 0, made.stderr
    folder.joinpath("said.txt").write_text(made.stdout + made.stderr)
    return folder


@pytest.fixture(scope="module")
def results(flat):
    """What ``run`` makes of the two images, with tuned settings."""
    words = ["--model", flat / "model", flat / "images", "--output", flat / "results"]
    made = command("run", *words, *TUNED)
    assert made.returncode == 0, made.stderr
    return flat / "results"


def labels_in(folder):
    return {stem_of(path): read_labels(path) for path in (folder / "labels").iterdir()}


def same(one, two):
    return one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one)


# --- help -----------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["--version"]])
def test_help_is_quick_because_nothing_heavy_is_imported(words):
    code = (
        "import sys; from napari_bioseg.cli import main\n"
        "try: code = main(sys.argv[1:])\n"
        "except SystemExit as leave: code = leave.code\n"
        "heavy = {'torch', 'napari', 'numba', 'zarr', 'dask', 'skimage', 'scipy'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)), 'code:', code)"
    )
    out = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, *words], capture_output=True, text=True
    )
    assert out.stdout.endswith("heavy: [] code: 0\n"), out.stdout[-200:] + out.stderr


def test_overview(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, text in COMMANDS.items():
        assert f"  {name:8} {text}" in shown
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().err
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("napari-bioseg ")


def test_demo_is_forwarded():
    made = command("demo", "--help")
    assert made.returncode == 0, made.stderr
    assert "usage: napari-bioseg demo" in made.stdout


# --- the way through ------------------------------------------------------------------


def test_train(flat):
    said = (flat / "said.txt").read_text()
    assert "epoch 1/1: loss" in said
    assert "training on cpu: " in said
    assert "all epochs done" in said
    workflow = peek_model(flat / "model")
    assert (workflow.network.features, workflow.trained.epochs) == (4, 1)
    assert workflow.trained.spacing == (0.5, 0.5)
    assert open_model(flat / "model", "cpu").outputs == ("B", "C")


def test_run(results, flat):
    files = sorted(p.relative_to(results).as_posix() for p in results.rglob("*.*"))
    assert files == [
        "charts/sizes.png",
        "labels/cell_1.tif",
        "labels/cell_2.tif",
        "measurements.csv",
        "measurements/cell_1.csv",
        "measurements/cell_2.csv",
        "predictions/cell_1.tif",
        "predictions/cell_2.tif",
        "workflow.yaml",
    ]
    workflow = Workflow.from_yaml(results / "workflow.yaml")
    assert workflow.instances.seed_binary == 0.4
    assert workflow.cleanup.steps == (RemoveSmall(size=5),)
    assert workflow.trained == peek_model(flat / "model").trained
    # The same as the library gives, step by step.
    for name, labels in labels_in(results).items():
        stored = read_prediction(results / f"predictions/{name}.tif")
        assert (stored.channels, stored.workflow) == (("B", "C"), workflow)
        assert (stored.spacing, stored.source) == ((0.5, 0.5), name)
        found = decode(stored.load(), workflow.instances).labels
        assert np.array_equal(labels, apply(found, workflow.cleanup.steps))
        assert labels.any()
        assert image_info(results / f"labels/{name}.tif").spacing == (0.5, 0.5)


def test_predictions_are_those_of_the_library(results, flat):
    from napari_bioseg.engine import predict

    lazy = predict(
        read_image(flat / "images/cell_1.tif"), open_model(flat / "model", "cpu")
    )
    stored = read_prediction(results / "predictions/cell_1.tif")
    assert np.array_equal(stored.data, lazy.compute())


def test_the_same_workflow_gives_the_same_labels(results, flat, tmp_path, capsys):
    given = ["--workflow", results / "workflow.yaml"]
    words = ["run", "--model", flat / "model", flat / "images", "--output", tmp_path]
    assert main([str(w) for w in [*words, *given, "--labels-only"]]) == 0
    assert same(labels_in(tmp_path), labels_in(results))
    assert not (tmp_path / "predictions").exists()
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].split() == ["image", "size", "objects", "seconds"]
    assert "2 images, " in shown


def test_in_steps_as_in_one_go(results, flat, tmp_path, capsys):
    out = str(tmp_path / "out")
    images = str(flat / "images")
    assert (
        main(["predict", "--model", str(flat / "model"), images, "--output", out]) == 0
    )
    assert "channels B, C of 2 images" in capsys.readouterr().out
    assert main(["segment", out, "--output", out, *TUNED]) == 0
    assert same(labels_in(tmp_path / "out"), labels_in(results))
    # Other settings, into the same folder: asked for, or not at all.
    other = ["segment", "--predictions", out, "--output", out, "--quiet"]
    capsys.readouterr()
    assert main(other) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*other, "--overwrite", "--instances.seed-binary", "0.9"]) == 0
    assert not same(labels_in(tmp_path / "out"), labels_in(results))
    assert capsys.readouterr() == ("", ""), "quiet means quiet"
    assert Workflow.from_yaml(f"{out}/workflow.yaml").instances.seed_binary == 0.9


def test_zarr(results, flat, tmp_path):
    words = ["--model", str(flat / "model"), str(flat / "images")]
    out = ["--output", str(tmp_path), "--format", "zarr", "--quiet"]
    assert main(["run", *words, *out, *TUNED]) == 0
    assert same(labels_in(tmp_path), labels_in(results))
    one, two = (
        read_prediction(folder / f"predictions/cell_1.{suffix}")
        for folder, suffix in ((results, "tif"), (tmp_path, "bioseg.zarr"))
    )
    assert np.array_equal(one.data, np.asarray(two.data))
    assert (one.workflow, one.spacing) == (two.workflow, two.spacing)


def test_segmenting_needs_no_torch(results, tmp_path):
    code = (
        "import sys; from napari_bioseg.cli import main; code = main(sys.argv[1:]);"
        "print('torch' in sys.modules, code)"
    )
    words = ["segment", results, "--output", tmp_path, "--quiet"]
    out = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True
    )
    assert out.stdout == "False 0\n", out.stderr


@pytest.mark.parametrize("tuned", [[], ["--cleanup.steps", "fill_holes"]])
def test_channels_of_other_programs(tmp_path, capsys, tuned):
    labels = touching_cells_2d(64, n=6)[1]
    from napari_bioseg.channels import encode

    channels = encode(labels, "BC")
    np.save(tmp_path / "a.npy", channels)
    out = tmp_path / "out"
    words = ["segment", str(tmp_path / "a.npy"), "--output", str(out), *tuned]
    assert main(words) == 2
    assert "does not say what its 2 channels are; name them" in capsys.readouterr().err
    assert main([*words, "--channels", "BC"]) == 0
    assert labels_in(out)["a"].max() == labels.max()
    workflow = Workflow.from_yaml(out / "workflow.yaml")
    assert workflow.cleanup.steps == ((FillHoles(),) if tuned else ())


def test_volumes_with_training_in_one_go(tmp_path, capsys):
    fill(
        tmp_path,
        lambda seed: touching_cells_3d((8, 40, 48), seed=seed, diameter=14),
        (1.0, 0.5, 0.5),
    )
    words = [
        *("run", "--images", tmp_path / "images", "--labels", tmp_path / "labels"),
        *("--model", tmp_path / "model", tmp_path / "images", "--output"),
        *(tmp_path / "out", *TINY, "--task.channels", "BCD", "--data.patch", "8,32,32"),
    ]
    assert main([str(word) for word in words]) == 0
    shown = capsys.readouterr()
    assert "8 × 40 × 48" in shown.out
    workflow = peek_model(tmp_path / "model")
    assert (workflow.outputs, workflow.trained.dimensions) == (("B", "C", "D"), 3)
    assert workflow.trained.spacing == (1.0, 0.5, 0.5)
    assert labels_in(tmp_path / "out")["cell_1"].shape == (8, 40, 48)
    stored = read_prediction(tmp_path / "out/predictions/cell_2.tif")
    assert stored.data.shape == (3, 8, 40, 48)


def test_classes(flat, tmp_path, capsys):
    words = [
        *("run", "--images", flat / "images", "--labels", flat / "classes"),
        *("--model", tmp_path / "model", flat / "images", "--output", tmp_path / "out"),
        *(*TINY, "--task.kind", "semantic", "--cleanup.steps", "clear_border"),
    ]
    assert main([str(word) for word in words]) == 0
    shown = capsys.readouterr().out
    heads = [line.split() for line in shown.splitlines()]
    assert ["image", "size", "foreground", "seconds"] in heads
    labels = labels_in(tmp_path / "out")["cell_1"]
    assert set(np.unique(labels)) <= {0, 1}
    # Pieces that touch the border went, not the class as a whole.
    stored = read_prediction(tmp_path / "out/predictions/cell_1.tif").load()
    inner = apply(
        (stored.data[0] > 0.5).astype("int32"),
        peek_model(tmp_path / "model").cleanup.steps,
        classes=True,
    )
    assert np.array_equal(labels, inner)


def test_training_is_resumed_and_never_lost(flat, tmp_path, capsys):
    model = tmp_path / "model"
    shutil.copytree(flat / "model", model)
    words = ["train", "--images", flat / "images", "--labels", flat / "labels"]
    words = [*map(str, words), "--model", str(model), "--quiet"]
    assert main([*words, *TRAIN_TINY]) == 2
    assert "holds a model already; go on training it with --resume" in (
        capsys.readouterr().err
    )
    # What is not said stays as it was, so three words are enough to go on.
    assert main([*words, "--resume", "--train.epochs", "3"]) == 0
    assert peek_model(model).trained.epochs == 3
    assert main([*words, "--resume", "--network.features", "8"]) == 2
    assert "cannot resume: network.features was 4 and is 8" in capsys.readouterr().err
    assert main([*words, "--overwrite", *TRAIN_TINY]) == 0
    assert peek_model(model).trained.epochs == 1


# --- Ctrl-C ---------------------------------------------------------------------------


def interrupted(words, until, output=None):
    """Run the program and press Ctrl-C once it has said or written something."""
    code = "import sys; from napari_bioseg.cli import main; sys.exit(main())"
    said = b""
    # programs begun in the background ignore Ctrl-C, and hand that on to this one
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code, *map(str, words)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    signal.signal(signal.SIGINT, before)
    with process:
        while output is not None and not (output / until).exists():
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.01)
        while output is None and until not in said:
            byte = process.stderr.read(1)
            assert byte, said.decode()
            said += byte
        process.send_signal(signal.SIGINT)
        said += process.stderr.read()
        return process.wait(60), said.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix signals")
def test_ctrl_c_keeps_the_best_model(flat, tmp_path, capsys):
    folders = ["--images", flat / "images", "--labels", flat / "labels"]
    words = ["train", *folders, "--model", tmp_path / "m", *TRAIN_TINY]
    words[words.index("--train.epochs") + 1] = "100000"
    code, said = interrupted(words, b"epoch 2/")
    assert code == 130
    assert "the best model so far is in" in said
    assert "--resume" in said
    assert "Traceback" not in said
    assert peek_model(tmp_path / "m").trained.epochs >= 2
    resumed = [*map(str, words[:7]), "--resume", "--quiet", "--train.minutes", "0.01"]
    assert main(resumed) == 0
    assert peek_model(tmp_path / "m").trained.epochs >= 3


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix signals")
def test_ctrl_c_keeps_finished_images(flat, tmp_path):
    (tmp_path / "many").mkdir()
    for number in range(400):
        name = tmp_path / f"many/im_{number:03}.tif"
        os.link(flat / "images/cell_1.tif", name)
    words = ["run", "--model", flat / "model", tmp_path / "many"]
    out = tmp_path / "out"
    code, said = interrupted([*words, "--output", out], "labels/im_003.tif", out)
    assert code == 130
    assert "of 400 images done" in said
    assert "Traceback" not in said
    done = list((tmp_path / "out/labels").iterdir())
    assert 2 <= len(done) < 400
    for path in done:
        assert path.suffix == ".tif"
        assert read_labels(path).shape == (72, 72), "none is half-written"


# --- what is wrong is said in one line ------------------------------------------------


@pytest.fixture
def wrong(flat, tmp_path):
    """Words for the table below: a folder of things that are wrong."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.tif").write_text("no image")
    np.save(tmp_path / "colours.npy", np.zeros((72, 72, 3), np.uint8))
    np.save(tmp_path / "volume.npy", np.zeros((9, 72, 72), np.uint8))
    shutil.copytree(flat / "model", tmp_path / "damaged")
    (tmp_path / "damaged/weights.safetensors").write_bytes(b"oops")
    (tmp_path / "twice").mkdir()
    shutil.copy(flat / "images/cell_1.tif", tmp_path / "twice")
    (tmp_path / "bad.yaml").write_text("train:\n  epochs: 0\n")
    Workflow(task=SemanticTask()).to_yaml(tmp_path / "semantic.yaml")
    write_labels(tmp_path / "small/cell_1.tif", np.ones((70, 72), "uint8"))
    write_labels(tmp_path / "small/cell_2.tif", np.ones((72, 72), "uint8"))
    data = np.zeros((2, 72, 72), np.float32)
    write_prediction(tmp_path / "mixed/a.tif", data, Workflow())
    tuned = Workflow.preset("fast")
    write_prediction(tmp_path / "mixed/b.tif", data, tuned)
    (tmp_path / "a_file").write_text("in the way")
    return {"flat": str(flat), "wrong": str(tmp_path)}


PREDICT = "predict --model {flat}/model --output {wrong}/out "
RUN = "run --model {flat}/model --output {wrong}/out "
TRAIN = "train --model {wrong}/model --images {flat}/images --labels "
SEGMENT = "segment --output {wrong}/out "

WRONG = [
    ("trian", "there is no command 'trian'; did you mean 'train'?"),
    ("nonsense", f"choose {', '.join(COMMANDS)}"),
    ("train", "arguments are required: --images, --labels, --model (see napari-bioseg"),
    (
        TRAIN + "{flat}/labels --train.epoch 3",
        "--train.epoch; did you mean --train.epoc",
    ),
    (
        TRAIN + "{flat}/labels --train.epochs 0",
        "--train.epochs = 0: must be 1 to 100,000",
    ),
    (TRAIN + "{flat}/labels --train.epochs", "--train.epochs: expected one argument"),
    (TRAIN + "{flat}/labels --preset slow", "invalid choice: 'slow'"),
    (
        TRAIN + "{flat}/labels --workflow {wrong}/bad.yaml",
        "train.epochs = 0: must be 1",
    ),
    (TRAIN + "{flat}/labels --workflow {wrong}/gone.yaml", "cannot read workflow"),
    (
        TRAIN + "{flat}/labels --preset fast --workflow {wrong}/semantic.yaml",
        "give --workflow or --preset, not both",
    ),
    (TRAIN + "{flat}/labels --resume", "there is no interrupted training in"),
    (TRAIN + "{wrong}/gone", "gone does not exist"),
    (TRAIN + "{wrong}/empty", "there are no images in"),
    (TRAIN + "{wrong}/twice", "no labels for cell_2.tif"),
    (TRAIN + "{wrong}/small", "has the size (1, 72, 72) (C, Y, X), but its labels"),
    (TRAIN + "{flat}/images", "images and labels lie in one folder"),
    (
        TRAIN + "{flat}/labels --task.kind semantic --task.classes 2",
        "the task has 2 classes",
    ),
    (TRAIN + "{flat}/labels --task.classes 3", "classes of its objects are missing"),
    (
        TRAIN + "{flat}/labels --data.patch 8,32,32",
        "has 3 sizes, but the images are 2-D",
    ),
    (TRAIN.replace("{wrong}/model", "{wrong}/a_file") + "{flat}/labels", "a_file"),
    (PREDICT + "{wrong}/gone.tif", "there is no file or folder"),
    (PREDICT + "{wrong}/text.tif", "text.tif is damaged or no image"),
    (PREDICT + "{wrong}/empty", "there are no images in"),
    (
        PREDICT + "{wrong}/colours.npy",
        "colours.npy: the image has 3 channels",
    ),
    (PREDICT + "{wrong}/volume.npy --axes CYX", "name them with --axes"),
    (PREDICT + "{wrong}/volume.npy --axes CYX", "the image has 9 channels"),
    (PREDICT + "{wrong}/volume.npy --axes ZY", "axes 'ZY' do not suit"),
    (
        PREDICT + "{flat}/images {wrong}/twice",
        "would give results of the same name, cell_1",
    ),
    (PREDICT + "{flat}/images --predict.tile 8,8", "--predict.tile: a tile has 2 or 3"),
    (
        PREDICT + "{flat}/images --workflow {wrong}/semantic.yaml",
        "for the channels fore",
    ),
    (
        PREDICT.replace("{flat}/model", "{wrong}/damaged") + "{flat}/images",
        "weights.safetensors is damaged or cut short",
    ),
    (
        PREDICT.replace("{flat}/model", "{wrong}/gone") + "{flat}/images",
        "there is no model folder",
    ),
    (RUN + "{flat}/images --images {flat}/images", "give both --images and --labels"),
    (
        RUN + "{flat}/images --train.epochs 3",
        "--train.epochs has no effect on a trained",
    ),
    (RUN + "{flat}/images --preset fast", "--preset needs --images"),
    (RUN + "{flat}/images --instances.seed-binary 3", "= 3: must be 0 to 1, or 'auto'"),
    (RUN + "{wrong}/text.tif", "text.tif is damaged or no image"),
    (SEGMENT, "name at least one file or folder of channels"),
    (SEGMENT + "{wrong}/mixed", "were predicted with different settings"),
    (SEGMENT + "{wrong}/colours.npy", "does not say what its 3 channels are"),
    (
        SEGMENT + "{wrong}/colours.npy --channels BC",
        "colours.npy has 3 channels, but the settings are for 2: B, C",
    ),
    (SEGMENT + "{wrong}/colours.npy --channels XYZ", "cannot read channels 'XYZ'"),
    (SEGMENT + "{wrong}/mixed/a.tif --output {wrong}/a_file", "a_file"),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_wrong(wrong, capsys, words, message):
    try:
        code = main([word.format(**wrong) for word in words.split()])
    except SystemExit as leave:  # how argparse leaves
        code = leave.code
    said = capsys.readouterr().err
    assert code == 2, said
    assert message in said
    assert "error:" in said
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 3, "no pages of usage"
    assert not os.path.exists(wrong["wrong"] + "/out/workflow.yaml")


def test_debug_shows_where(wrong):
    words = (PREDICT + "{wrong}/text.tif --debug").format(**wrong).split()
    with pytest.raises(ValueError, match="damaged or no image"):
        main(words)


def test_wrong_settings_leave_with_code_2_as_a_process(flat):
    words = ["--model", flat / "model", flat / "images", "--output", flat / "never"]
    made = command("run", *words, "--instances.seed-binary", "3")
    assert made.returncode == 2
    assert made.stderr == (
        "napari-bioseg run: error: --instances.seed-binary = 3: must be 0 to 1, or "
        "'auto', 'off'\n"
    )
    assert not (flat / "never").exists()

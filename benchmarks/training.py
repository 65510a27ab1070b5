"""What the engine adds to bare training, and whether data keep up with the network.

Run ``python benchmarks/training.py``. ``step``: steps of `train` beside a plain torch
loop with the same network, loss and optimiser on patches that are already cut and
augmented; the two take turns, so that other work on the machine hits both alike.
``data``: patches per second that the pipeline makes alone, beside those that the
network takes. ``choices``: a step with every layout, precision and compilation.
``peer``: BiaPy's U-Net in the same loop, where BiaPy is installed. ``gpu``: images per
second with bfloat16, channels last and compilation beside 32-bit eager, and how busy
the GPU is.
"""

from __future__ import annotations

# isort: off
import napari_bioseg.engine  # noqa: F401  (before torch: it decides how threads wait)
# isort: on

import argparse
import itertools
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from napari_bioseg.engine import Model, Pair, StepDone, train
from napari_bioseg.engine.batch import draw_batch, epoch_order, to_device
from napari_bioseg.engine.feed import Feeder
from napari_bioseg.engine.layout import compiles, lay_out, memory_format
from napari_bioseg.engine.loss import Loss
from napari_bioseg.engine.memory import keep_freed_memory
from napari_bioseg.engine.optimizer import make_optimizer
from napari_bioseg.engine.plan import Plan, make_plan
from napari_bioseg.engine.precision import autocast
from napari_bioseg.settings import NetworkSettings, Workflow
from peer import INSTALLED, peer_unet
from timing import machine, table

CPU = torch.device("cpu")


def pairs(count: int = 8, side: int = 512) -> list[Pair]:
    """Draw images of square objects."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(count):
        labels = np.kron(rng.integers(0, 9, (side // 16,) * 2), np.ones((16, 16), int))
        image = rng.normal(50, 10, labels.shape) + 20 * labels
        made.append(Pair(image.clip(0, 255).astype(np.uint8), labels))
    return made


def volumes(count: int = 2) -> list[Pair]:
    """Draw volumes of cubic objects."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(count):
        labels = np.kron(rng.integers(0, 9, (8, 12, 12)), np.ones((8,) * 3, int))
        image = rng.normal(50, 10, labels.shape) + 20 * labels
        made.append(Pair(image.clip(0, 255).astype(np.uint8), labels))
    return made


def job(device: str, *, three: bool = False, **settings: object) -> Workflow:
    workflow = Workflow.preset("fast")
    batch = 2 if three else 8
    values = {"steps": 1000, "batch_size": batch, "device": device, **settings}
    return workflow.replace(train=workflow.train.replace(**values))


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Bare:
    """A plain torch loop on a few batches in memory."""

    def __init__(self, plan: Plan, device: str, batches: int = 4) -> None:
        self.settings = plan.workflow.train
        self.model = Model.create(plan.workflow, device=device)
        self.model.network.train()
        self.layout = memory_format(self.settings, self.model.dimensions)
        lay_out(self.model.network, self.layout)
        self.loss = Loss(self.model)
        self.optimizer = make_optimizer(
            self.model.network.parameters(), self.settings, self.model.device
        )
        self.forward: Callable[[torch.Tensor], torch.Tensor] = self.model.network
        if compiles(self.settings, self.model.device, 10**6):
            self.forward = torch.compile(self.model.network)
        order = epoch_order(plan, 1)
        drawn = [draw_batch(plan, order, 1, n) for n in range(batches)]
        self.batches = itertools.cycle(to_device(batch, self.model) for batch in drawn)

    def step(self) -> None:
        """Take one step."""
        images, targets = next(self.batches)
        images = images.contiguous(memory_format=self.layout)
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.model.device, self.settings):
            logits = self.forward(images)
        value = self.loss(logits.float(), targets)
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.model.network.parameters(), 10.0)
        self.optimizer.step()
        float(value.detach())


def timed(call: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """Return wall and processor seconds of a call."""
    synchronise(device)
    wall, processor = time.perf_counter(), time.process_time()
    call()
    synchronise(device)
    return time.perf_counter() - wall, time.process_time() - processor


def steps_of(workflow: Workflow, data: list[Pair]) -> Iterator[object]:
    return (e for e in train(data, workflow) if isinstance(e, StepDone))


def summary(times: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Return least and middle wall seconds, and middle processor seconds."""
    walls, processors = zip(*times, strict=True)
    return min(walls), statistics.median(walls), statistics.median(processors)


def compare_steps(device: str, rounds: int) -> None:
    """Print a step of `train` beside a bare one, in 2-D and 3-D."""
    print("milliseconds; a ratio of 1 means that nothing is added")
    head = ["step", "train min", "bare min", "train median", "bare median"]
    head += ["train CPU", "bare CPU", "ratio min", "ratio median", "ratio CPU"]
    for name, data in (("2-D", pairs(4)), ("3-D", volumes())):
        workflow = job(device, three=name == "3-D")
        plan = make_plan(data, workflow)
        bare = Bare(plan, device)
        events = steps_of(workflow, data)
        ours, plain = [], []
        with keep_freed_memory():
            for number in range(rounds + 2):
                one = timed(lambda e=events: next(e), bare.model.device)
                two = timed(bare.step, bare.model.device)
                if number >= 2:
                    ours.append(one)
                    plain.append(two)
        events.close()
        (a, b, c), (d, e, f) = summary(ours), summary(plain)
        what = f"{name} {plan.patch} x {workflow.train.batch_size}"
        cells = [f"{1e3 * v:.1f}" for v in (a, d, b, e, c, f)]
        ratios = [f"{d / a:.3f}", f"{e / b:.3f}", f"{f / c:.3f}"]
        print(table(head, [[what, *cells, *ratios]]), flush=True)


def compare_data(device: str, rounds: int) -> None:
    """Print patches per second of the pipeline and of the network."""
    data = pairs()
    workflow = job(device)
    size = workflow.train.batch_size
    rows = []
    plan = make_plan(data, workflow)
    bare = Bare(plan, device)
    with keep_freed_memory():
        network = [timed(bare.step, bare.model.device) for _ in range(rounds + 2)][2:]
    least, middle, processor = summary(network)
    rows.append(["network", *(f"{size / v:.0f}" for v in (least, middle, processor))])
    for workers in (0, 1, 2):
        wanted = workflow.replace(data=workflow.data.replace(workers=workers))
        feeder = Feeder(make_plan(data, wanted))
        numbers = iter(range(10**6))
        with keep_freed_memory():
            times = [
                timed(
                    lambda f=feeder, n=numbers: f.batch(1, next(n)), torch.device("cpu")
                )
                for _ in range(5 * rounds + 5)
            ][5:]
        walls = sum(wall for wall, _ in times) / len(times)
        used = sum(cpu for _, cpu in times) / len(times)
        rows.append(
            [
                f"data, {workers} threads",
                "",
                f"{size / walls:.0f}",
                f"{size / used:.0f}",
            ]
        )
        feeder = None
    print("patches per second")
    print(table(["", "best", "mean or median", "per second of CPU"], rows))


def compare_choices(device: str, rounds: int) -> None:
    """Print a bare step with every layout, precision and compilation."""
    on_gpu = device == "cuda"
    rows = []
    precisions = ["float32", *(["bfloat16", "float16"] if on_gpu else [])]
    for three in (False, True):
        data = volumes() if three else pairs()
        for layout, precision, compiled in itertools.product(
            ("off", "on"), precisions, ("off", "on") if on_gpu else ("off",)
        ):
            workflow = job(
                device, three=three, channels_last=layout, precision=precision,
                compile=compiled,
            )  # fmt: skip
            bare = Bare(make_plan(data, workflow), device)
            with keep_freed_memory():
                times = [timed(bare.step, bare.model.device) for _ in range(rounds + 3)]
            least, middle, processor = summary(times[3:])
            rows.append(
                [
                    "3-D" if three else "2-D",
                    f"channels last {layout}, {precision}, compiled {compiled}",
                    *(f"{1e3 * value:.1f}" for value in (least, middle, processor)),
                    f"{workflow.train.batch_size / least:.1f}",
                ]
            )
    head = ["", "bare step", "min ms", "median ms", "CPU ms", "patches/s"]
    print(table(head, rows))


def compare_peer(device: str, rounds: int) -> None:
    """Print BiaPy's U-Net and ours in the same loop: 256 x 256, 16 to 256 features."""
    if not INSTALLED:
        print(
            "BiaPy is not installed here; its recorded step takes 0.26 s on two cores"
        )
    network = NetworkSettings(architecture="unet", features=16, depth=4)
    workflow = job(device, batch_size=4, precision="float32").replace(network=network)
    workflow = workflow.replace(data=workflow.data.replace(patch=(256, 256)))
    bare = Bare(make_plan(pairs(), workflow), device)
    networks = {"napari-bioseg": bare.forward}
    if INSTALLED:
        networks["BiaPy"] = peer_unet([2]).to(device).train()
    rows = []
    for name, forward in networks.items():
        weights = sum(w.numel() for w in forward.parameters())
        bare.forward = forward
        bare.optimizer = make_optimizer(
            forward.parameters(), workflow.train, bare.model.device
        )
        with keep_freed_memory():
            times = [timed(bare.step, bare.model.device) for _ in range(rounds + 2)][2:]
        least, middle, processor = summary(times)
        cells = [f"{1e3 * value:.0f}" for value in (least, middle, processor)]
        rows.append([name, f"{weights / 1e6:.2f} M", *cells, f"{4 / least:.1f}"])
    head = ["U-Net", "weights", "min ms", "median ms", "CPU ms", "patches/s"]
    print(table(head, rows))


def compare_gpu(rounds: int) -> None:
    """Print images per second of `train` on a GPU, and how busy it is."""
    if not torch.cuda.is_available():
        print("there is no CUDA GPU here")
        return
    rows = []
    choices = {
        "float32, eager": {
            "precision": "float32", "channels_last": "off", "compile": "off",
        },
        "bfloat16, channels last": {"precision": "bfloat16", "compile": "off"},
        "bfloat16, channels last, compiled": {"precision": "bfloat16", "compile": "on"},
    }  # fmt: skip
    for name, settings in choices.items():
        workflow = job("cuda", batch_size=32, **settings)
        network = workflow.network.replace(features=32, depth=4)
        workflow = workflow.replace(network=network)
        workflow = workflow.replace(data=workflow.data.replace(patch=(256, 256)))
        events = steps_of(workflow, pairs())
        for _ in range(10):
            next(events)
        device = torch.device("cuda")
        busy = []
        walls = []
        for _ in range(max(rounds, 30)):
            walls.append(timed(lambda e=events: next(e), device)[0])
            busy.append(_utilisation())
        events.close()
        images = 32 / statistics.median(walls)
        rows.append([name, f"{images:.0f}", f"{statistics.median(busy):.0f} %"])
    print(torch.cuda.get_device_name())
    print(table(["train", "images/s (256²)", "GPU busy"], rows))


def _utilisation() -> float:
    words = [
        "nvidia-smi",
        "--query-gpu=utilization.gpu",
        "--format=csv,noheader,nounits",
    ]
    out = subprocess.run(words, capture_output=True, text=True).stdout
    return float(out.split()[0]) if out else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = ("step", "data", "choices", "peer", "gpu")
    parser.add_argument("what", nargs="*", default=["step", "data", "peer"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    there = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=there)
    arguments = parser.parse_args()
    unknown = set(arguments.what) - set(names)
    if unknown:
        parser.error(f"there are {', '.join(names)}, not {', '.join(unknown)}")
    torch.set_num_threads(arguments.threads)
    print(f"{machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    calls = {
        "step": compare_steps, "data": compare_data, "choices": compare_choices,
        "peer": compare_peer,
    }  # fmt: skip
    for name in arguments.what:
        print()
        if name == "gpu":
            compare_gpu(arguments.rounds)
        else:
            calls[name](arguments.device, arguments.rounds)


if __name__ == "__main__":
    main()

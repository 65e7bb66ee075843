#!/usr/bin/env python3
"""A road to learn to drive on: pictures seen from a car with the right steering, and a test drive.

    scripts/driving.py render --out datasets/driving       pictures and steering, for training
    scripts/driving.py drive CHECKPOINT --picture out.png  a trained network drives on unseen roads

The car follows the right lane of a road of two lanes whose curvature changes linearly from knot to knot (clothoids).
A camera 1.4 m above the road sees it in perspective. The answer to each picture is the curvature in 1/km (left is
positive) of the circle from the car to the middle of its lane 12 m ahead: pure pursuit (Coulter 1992, CMU-RI-TR-92-01).
On a test drive each picture goes to `trainer predict --stream`, and the answer steers the car: nothing but pixels
tells the network where the road is. Everything is a pure function of the seeds.
"""

import argparse
import os
import pathlib
import subprocess
import sys

import numpy as np

HEIGHT, WIDTH = 40, 80  # pixels
HORIZON = 9.5  # row
FOCAL = 52.0  # pixels: 75 degrees from left to right
CAMERA = 1.4  # m above the road
LANE = 3.5  # m, its width
CAR = 1.8  # m, its width
SPEED = 15.0  # m/s
TICK = 0.05  # s between two pictures
AHEAD = 12.0  # m from the car to the point it is steered at
REACH = 90.0  # m of road that are drawn
STEP = 0.5  # m between two points of a road
UNSEEN = 1_000_000  # seeds of roads for test drives start here; those for training stay below


class Road:
    """Points of the line between both lanes, STEP apart: place, heading, curvature."""

    def __init__(self, seed, length):
        random = np.random.default_rng(seed)
        knots, curvatures = [0.0], [0.0]
        while knots[-1] < length + 2 * REACH:
            knots.append(knots[-1] + random.uniform(30, 90))
            bend = random.uniform(-1, 1)
            curvatures.append(0.0 if random.random() < 0.25 else bend * abs(bend) ** 0.3 / 40)
        self.s = np.arange(0, length + 2 * REACH, STEP)
        self.curvature = np.interp(self.s, knots, curvatures)
        self.heading = np.concatenate([[0], np.cumsum(self.curvature[:-1] * STEP)])
        middle = self.heading + self.curvature * STEP / 2
        self.x = np.concatenate([[0], np.cumsum(np.cos(middle[:-1]) * STEP)])
        self.y = np.concatenate([[0], np.cumsum(np.sin(middle[:-1]) * STEP)])


class Scene:
    """How the world looks on a set of pictures: light, colours and the tilt of the camera."""

    def __init__(self, count, random):
        self.light = random.uniform(0.65, 1.15, (count, 1, 1, 1))
        self.grass = np.array([70, 105, 50]) * random.uniform(0.75, 1.3, (count, 1, 1, 3))
        self.asphalt = random.uniform(75, 125, (count, 1, 1, 1)) + random.uniform(-5, 5, (count, 1, 1, 3))
        self.sky = np.array([150, 185, 225]) * random.uniform(0.8, 1.1, (count, 1, 1, 3))
        self.tilt = random.uniform(-0.7, 0.7, (count, 1))
        self.phase = random.uniform(0, 12, (count, 1, 1))
        self.shadow = random.uniform(6, 60, (count, 1, 1))
        self.shadow_length = random.uniform(0, 6, (count, 1, 1))


def road_ahead(roads, s, x, y, heading):
    """The line between the lanes in front of each car, in its frame: forward, left, and the road's direction."""
    count = int(REACH / STEP)
    first = np.floor(s / STEP).astype(int)
    at = first[:, None] + np.arange(count)
    points = [np.stack([getattr(road, name)[a] for road, a in zip(roads, at)]) for name in ("x", "y", "heading")]
    dx, dy = points[0] - x[:, None], points[1] - y[:, None]
    c, sn = np.cos(heading)[:, None], np.sin(heading)[:, None]
    return dx * c + dy * sn, dy * c - dx * sn, points[2] - heading[:, None], at * STEP


def right_steering(forward, left, direction, s, where):
    """Curvature, 1/m, of the circle through the car and the middle of its lane AHEAD of it."""
    at = np.argmin(np.abs(s - (where + AHEAD)[:, None]), axis=1)
    rows = np.arange(len(at))
    direction = direction[rows, at]
    x = forward[rows, at] + np.sin(direction) * LANE / 2
    y = left[rows, at] - np.cos(direction) * LANE / 2
    return 2 * y / (x * x + y * y)


def render(forward, left, direction, s, scene, random, height=HEIGHT, width=WIDTH):
    """Pictures, [count, height, width, 3] bytes. Each pixel below the horizon is a place on flat ground."""
    count, scale = len(forward), height / HEIGHT
    rows = np.arange(height) + 0.5
    below = rows[None, :] - (HORIZON + scene.tilt) * scale
    distance = CAMERA * FOCAL * scale / np.maximum(below, 0.3 * scale)
    # The road at the distance of each row; it goes forward, so its points are sorted.
    forward = np.maximum.accumulate(forward + 1e-6 * np.arange(forward.shape[1]), axis=1)
    seen = [
        np.stack([np.interp(d, f, v) for d, f, v in zip(distance, forward, values)])[:, :, None]
        for values in (left, direction, s)
    ]
    columns = width / 2 - 0.5 - np.arange(width)
    across = distance[:, :, None] / (FOCAL * scale)  # m per pixel
    n = (columns * across - seen[0]) * np.cos(seen[1])  # m to the left of the line between the lanes

    def band(centre, half):
        return np.clip((half + across / 2 - np.abs(n - centre)) / across, 0, 1)[..., None] * np.minimum(
            1, 2 * half / across
        )[..., None]

    noise = random.normal(0, 1, (count, height, width, 1))
    picture = scene.grass + 9 * noise
    road = np.clip((LANE + 0.3 - np.abs(n)) / across + 0.5, 0, 1)[..., None]
    picture = picture * (1 - road) + (scene.asphalt + 4 * noise) * road
    dashes = ((seen[2] + scene.phase) % 12 < 6) * np.ones_like(n)
    lines = np.clip(band(LANE, 0.1) + band(-LANE, 0.1) + band(0, 0.08) * dashes[..., None], 0, 1)
    picture = picture * (1 - lines) + 235 * lines
    shaded = (np.abs(distance[:, :, None] - scene.shadow) < scene.shadow_length)[..., None]
    picture = picture * np.where(shaded, 0.6, 1)
    sky = below[:, :, None, None] < 0.3 * scale
    picture = np.where(sky, scene.sky * (1 - 0.004 * rows[None, :, None, None] / scale), picture)
    picture = picture * scene.light + random.normal(0, 3, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def write_training_data(arguments):
    """Cars all over 200 roads, beside the middle of their lane and askew, so that the way back is learned, too."""
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(arguments.seed)
    if not 0 <= arguments.seed < UNSEEN // 1000:
        sys.exit(f"driving.py: --seed must be between 0 and {UNSEEN // 1000 - 1}")
    roads = [Road(arguments.seed * 1000 + i, 1000) for i in range(200)]
    pictures, steering = [], []
    for begin in range(0, arguments.samples, 500):
        count = min(500, arguments.samples - begin)
        chosen = [roads[i] for i in random.integers(len(roads), size=count)]
        s = STEP * random.integers(0, int(1000 / STEP), count)
        at = (s / STEP).astype(int)
        offset = -LANE / 2 + random.normal(0, 0.6, count)
        askew = random.normal(0, 0.07, count)
        base = np.array([[r.x[a], r.y[a], r.heading[a]] for r, a in zip(chosen, at)])
        x = base[:, 0] - np.sin(base[:, 2]) * offset
        y = base[:, 1] + np.cos(base[:, 2]) * offset
        ahead = road_ahead(chosen, s, x, y, base[:, 2] + askew)
        pictures.append(render(*ahead, Scene(count, random), random))
        steering.append(right_steering(*ahead, s))
    np.save(out / "pictures.npy", np.concatenate(pictures))
    np.save(out / "steering.npy", (1000 * np.concatenate(steering)).astype(np.float32)[:, None])
    print(f"{out}: {arguments.samples} pictures of {HEIGHT} x {WIDTH}, steering in 1/km")


class Network:
    """`trainer predict --stream`: pixels in, steering out."""

    def __init__(self, trainer, checkpoint):
        command = [trainer, "predict", checkpoint, "--stream"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if not self.process.stdout.readline():
            sys.exit(f"driving.py: '{' '.join(command)}' failed")

    def steer(self, pictures):
        self.process.stdin.write(pictures.astype("<f4").tobytes())
        self.process.stdin.flush()
        return np.array([float(self.process.stdout.readline()) for _ in pictures]) / 1000

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit("driving.py: the trainer failed")


def test_drive(arguments):
    """All cars drive at once, one on each road, until a wheel crosses a line of the lane or the road ends."""
    count, length = arguments.roads, arguments.length
    roads = [Road(UNSEEN + arguments.seed * 1000 + i, length) for i in range(count)]
    random = np.random.default_rng(UNSEEN + arguments.seed)
    scene = Scene(count, random)
    network = Network(arguments.trainer, arguments.checkpoint)

    x, y, heading, curvature, s = (np.zeros(count) for _ in range(5))
    y -= LANE / 2
    kept = np.full(count, True)  # in its lane so far
    path, offsets = [], []
    while (driving := kept & (s < length)).any():
        ahead = road_ahead(roads, s, x, y, heading)
        wanted = network.steer(render(*ahead, scene, random))
        # The wheels need a moment: a fifth of the way per tick.
        curvature += 0.2 * (wanted - curvature)
        step = np.where(driving, SPEED * TICK, 0.0)
        x += step * np.cos(heading + curvature * step / 2)
        y += step * np.sin(heading + curvature * step / 2)
        heading += curvature * step
        # Where along the road: the nearest point of the stretch around the last one.
        near = np.clip((s / STEP).astype(int)[:, None] + np.arange(-4, 9), 0, None)
        place = np.array([[r.x[a], r.y[a], r.heading[a]] for r, a in zip(roads, near)])
        nearest = np.argmin((place[:, 0] - x[:, None]) ** 2 + (place[:, 1] - y[:, None]) ** 2, axis=1)
        rows = np.arange(count)
        px, py, direction = place[rows, :, nearest].T
        s = near[rows, nearest] * STEP
        offset = (y - py) * np.cos(direction) - (x - px) * np.sin(direction) + LANE / 2
        kept &= np.abs(offset) < (LANE - CAR) / 2
        path.append((x.copy(), y.copy(), heading.copy(), s))
        offsets.append(np.where(driving, offset, np.nan))
    network.close()

    offsets = np.array(offsets)
    print(" road   length  sharpest bend   mean off the middle   most")
    for i, road in enumerate(roads):
        radius = 1 / max(np.abs(road.curvature).max(), 1e-9)
        verdict = "" if kept[i] else f"   left the lane after {s[i]:.0f} m"
        print(
            f"{i + 1:5} {length:6} m {radius:10.0f} m {np.nanmean(np.abs(offsets[:, i])):15.2f} m "
            f"{np.nanmax(np.abs(offsets[:, i])):12.2f} m{verdict}"
        )
    left = int(count - kept.sum())
    print(f"{count} unseen roads, {count * length / 1000:.0f} km at {SPEED * 3.6:.0f} km/h: the lane was left on {left}")
    if arguments.picture:
        draw(arguments.picture, roads, np.array(path), offsets, kept, scene, random)
    return 1 if left else 0


def draw(file, roads, path, offsets, kept, scene, random):
    """What the camera sees on four roads, and the way of each car on its road, from above."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = 5
    rows = -(-len(roads) // columns)
    figure = pyplot.figure(figsize=(11, 2.2 + 1.75 * rows))
    grid = figure.add_gridspec(1 + rows, 20, height_ratios=[1.25] + [1] * rows, hspace=0.3, wspace=0.4)
    for k in range(4):
        road = k % len(roads)
        x, y, heading, s = path[(2 * k + 1) * len(path) // 9, :, road : road + 1]
        part = Scene(1, random)
        for name, value in vars(scene).items():
            setattr(part, name, value[road : road + 1])
        axes = figure.add_subplot(grid[0, 5 * k : 5 * k + 5])
        axes.imshow(render(*road_ahead([roads[road]], s, x, y, heading), part, random, 4 * HEIGHT, 4 * WIDTH)[0])
        axes.set_title(f"road {road + 1}, seen from the car", fontsize=8)
        axes.axis("off")
    for i, road in enumerate(roads):
        axes = figure.add_subplot(grid[1 + i // columns, 4 * (i % columns) : 4 * (i % columns) + 4])
        shown = road.s < path[:, 3, i].max() + 25
        axes.plot(road.x[shown], road.y[shown], color="0.82", linewidth=5, solid_capstyle="round")
        axes.plot(path[:, 0, i], path[:, 1, i], color="tab:blue" if kept[i] else "tab:red", linewidth=1.2)
        axes.plot(road.x[0], road.y[0], "o", color="black", markersize=3)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_title(f"{i + 1}: at most {np.nanmax(np.abs(offsets[:, i])):.2f} m off", fontsize=8)
        axes.axis("off")
    figure.savefig(file, dpi=100, bbox_inches="tight")
    print(f"picture: {file}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("render", help="pictures and steering for training, as NPY files")
    command.add_argument("--out", default="datasets/driving", help="folder (default: %(default)s)")
    command.add_argument("--samples", type=int, default=20000, help="number of pictures (default: %(default)s)")
    command.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    command.set_defaults(run=write_training_data)
    command = commands.add_parser("drive", help="let a trained network drive; exit code 1 if it leaves a lane")
    command.add_argument("checkpoint", metavar="CHECKPOINT")
    command.add_argument("--roads", type=int, default=20, help="number of unseen roads (default: %(default)s)")
    command.add_argument("--length", type=int, default=1000, help="of each road in m (default: %(default)s)")
    command.add_argument("--seed", type=int, default=1, help="of the roads (default: %(default)s)")
    command.add_argument("--picture", help="file to draw the roads and the way of the cars to, such as drive.png")
    trainer = pathlib.Path(__file__).resolve().parent.parent / "build/bin/trainer"
    command.add_argument("--trainer", default=os.fspath(trainer), help="the program (default: build/bin/trainer)")
    command.set_defaults(run=test_drive)
    arguments = parser.parse_args()
    sys.exit(arguments.run(arguments))


if __name__ == "__main__":
    main()

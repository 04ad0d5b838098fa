"""Drives the ego car of highway-env's own highway with a mind on a pipe.

    pip install highway-env
    python trainer/examples/drive_highway_env.py out/reproduce/driving/driver.fth [EPISODES]

What the mind watches, and in which units, is written in trainer/src/worlds/traffic/around.rs.
"""

import json
import math
import statistics
import subprocess
import sys

import gymnasium
import highway_env  # noqa: F401, registers its worlds

LANES, LANE, SIGHT, CRUISE = 4, 4.0, 60.0, 22.0
LENGTH, MAX_STEERING = 5.0, math.pi / 3
DT, SECONDS = 0.2, 40

artifact = sys.argv[1]
episodes = int(sys.argv[2]) if len(sys.argv) > 2 else 100
command = ["target/release/forethought", "act", artifact, "--mode", "policy"]
mind = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
world = gymnasium.make(
    "highway-v0",
    config={
        "action": {
            "type": "ContinuousAction",
            "acceleration_range": [-6.0, 6.0],
            "steering_range": [-MAX_STEERING, MAX_STEERING],
        },
        "lanes_count": LANES,
        "vehicles_count": 30,
        "vehicles_density": 1.2,
        "simulation_frequency": 15,
        "policy_frequency": 5,
        "duration": SECONDS,
        "offroad_terminal": True,
    },
)


def lane_of(y):
    return min(max(round(y / LANE), 0), LANES - 1)


def watch(vehicles, own):
    """The car itself, and the nearest cars ahead and behind in its lane, the next lower and the next higher one."""
    (x, y), lane = own.position, lane_of(own.position[1])
    nearest = [None] * 6
    for other in vehicles:
        ahead, aside = other.position[0] - x, lane_of(other.position[1]) - lane
        if other is own or abs(aside) > 1 or abs(ahead) >= SIGHT:
            continue
        slot = {0: 0, -1: 2, 1: 4}[aside] + (ahead < 0)
        if nearest[slot] is None or abs(ahead) < abs(nearest[slot].position[0] - x):
            nearest[slot] = other
    seen = [y - 0.5 * LANE * (LANES - 1), own.heading, own.speed - CRUISE]
    for slot, other in enumerate(nearest):
        if other is None:
            side = [0.0, -LANE, LANE][slot // 2]
            seen += [-SIGHT if slot % 2 else SIGHT, LANE * lane + side - y, 0.0, 0.0]
        else:
            along = other.speed * math.cos(other.heading) - own.speed * math.cos(own.heading)
            across = other.speed * math.sin(other.heading)
            seen += [other.position[0] - x, other.position[1] - y, along, across]
    return [float(number) for number in seen]


def decide(state, reset):
    print(json.dumps({"state": state, "reset": reset}), file=mind.stdin, flush=True)
    return json.loads(mind.stdout.readline())["action"]


def steering(turning, speed):
    """The angle of the front wheels at which a car of this speed turns at this rate."""
    slip = math.asin(min(max(0.5 * LENGTH * turning / max(speed, 0.01), -1.0), 1.0))
    return min(max(math.atan(2.0 * math.tan(slip)), -MAX_STEERING), MAX_STEERING)


safe, ways = 0, []
for seed in range(episodes):
    world.reset(seed=seed)
    road, own = world.unwrapped.road, world.unwrapped.vehicle
    start, done, ended = own.position[0], False, False
    first = True
    for _ in range(int(SECONDS / DT)):
        acceleration, turning = decide(watch(road.vehicles, own), first)
        action = [acceleration / 6.0, steering(turning, own.speed) / MAX_STEERING]
        _, _, ended, truncated, _ = world.step(action)
        first = False
        if ended or truncated:
            break
    safe += not (own.crashed or not own.on_road)
    ways.append(own.position[0] - start)

share = safe / episodes
error = 100.0 * math.sqrt(share * (1.0 - share) / episodes)
print(
    f"{100.0 * share:.1f} ± {error:.1f} % without collision and on the road, {statistics.mean(ways):.0f} m, "
    f"over {episodes} drives of {SECONDS} s in highway-env"
)

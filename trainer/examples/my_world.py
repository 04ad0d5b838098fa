"""A simulator on a pipe, to learn from and to fly in: a pendulum with a torque.

    forethought train trainer/examples/my-world.toml --act both

Lines of JSON come in, one line goes out for each: {"reset": SEED} begins an episode, {"action": [torque]} makes a step. Whatever
is printed to standard error is passed on. Put your own plant in the place of `advance`.
"""

import json
import math
import random
import sys

DT = 0.05
angle, speed = math.pi, 0.0


def advance(torque):
    global angle, speed
    speed += DT * (15.0 * math.sin(angle) + 3.0 * torque)
    speed = min(max(speed, -8.0), 8.0)
    angle = (angle + DT * speed + math.pi) % (2.0 * math.pi) - math.pi


for line in sys.stdin:
    asked = json.loads(line)
    if "reset" in asked:
        start = random.Random(asked["reset"])
        angle, speed = start.uniform(-math.pi, math.pi), start.uniform(-1.0, 1.0)
    else:
        advance(asked["action"][0])
    # "over": True would end the episode, as a crash does.
    print(json.dumps({"state": [angle, speed]}), flush=True)

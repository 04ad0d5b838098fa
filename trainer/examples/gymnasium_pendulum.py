"""Flies Gymnasium's own Pendulum-v1 with a mind on a pipe.

    pip install gymnasium
    python trainer/examples/gymnasium_pendulum.py out/pendulum/agent.fth [EPISODES] [plan|policy]
"""

import json
import statistics
import subprocess
import sys

import gymnasium

artifact = sys.argv[1]
episodes = int(sys.argv[2]) if len(sys.argv) > 2 else 100
mode = sys.argv[3] if len(sys.argv) > 3 else "plan"
command = ["target/release/forethought", "act", artifact, "--mode", mode]
mind = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
world = gymnasium.make("Pendulum-v1")


def decide(state, reset):
    line = {"state": [float(value) for value in state], "reset": reset}
    print(json.dumps(line), file=mind.stdin, flush=True)
    return json.loads(mind.stdout.readline())["action"]


returns = []
for seed in range(episodes):
    state, _ = world.reset(seed=seed)
    total, truncated, start = 0.0, False, True
    while not truncated:
        state, reward, _, truncated, _ = world.step(decide(state, start))
        total, start = total + reward, False
    returns.append(total)

error = statistics.stdev(returns) / len(returns) ** 0.5 if len(returns) > 1 else float("nan")
print(f"{statistics.mean(returns):.1f} ± {error:.1f} over {episodes} episodes of Gymnasium's Pendulum-v1")

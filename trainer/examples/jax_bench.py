"""The policy's training step and the gradient plan of `forethought bench host`, written with JAX: the peer on the same machine.

    pip install jax
    target/release/forethought bench host; python trainer/examples/jax_bench.py

Run them one after the other: what counts is the ratio. Medians of many calls, in ms, the compilation left out.
"""

import statistics
import time

import jax
import jax.numpy as jnp

BATCH, HORIZON, PLANNED, ITERATIONS = 128, 30, 20, 10


def network(key, widths):
    keys = jax.random.split(key, len(widths) - 1)
    shapes = zip(keys, widths[:-1], widths[1:])
    return [(jax.random.normal(k, (a, b)) / a**0.5, jnp.zeros(b)) for k, a, b in shapes]


def run(layers, x):
    for w, b in layers[:-1]:
        x = jnp.tanh(x @ w + b)
    w, b = layers[-1]
    return x @ w + b


def cost(x, u):
    return (x**2).sum(-1) + 0.001 * (u**2).sum(-1)


def advance(model, x, u):
    return x + run(model, jnp.concatenate([x, u], -1))


def policy_loss(policy, model, start):
    def step(x, _):
        u = 2 * jnp.tanh(run(policy, x))
        return advance(model, x, u), cost(x, u)

    return jax.lax.scan(step, start, None, length=HORIZON)[1].mean()


@jax.jit
def train(policy, first, second, model, start):
    gradient = jax.grad(policy_loss)(policy, model, start)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
    move = lambda p, m, v: p - 1e-4 * m / (jnp.sqrt(v) + 1e-8)
    return jax.tree.map(move, policy, first, second), first, second


@jax.jit
def plan(actions, model, start):
    def paid(actions):
        step = lambda x, u: (advance(model, x, u), cost(x, u))
        return jax.lax.scan(step, start, actions)[1].sum()

    def descend(_, state):
        actions, momentum = state
        momentum = 0.9 * momentum - 0.01 * jax.grad(paid)(actions)
        return jnp.clip(actions + momentum, -2, 2), momentum

    return jax.lax.fori_loop(0, ITERATIONS, descend, (actions, jnp.zeros_like(actions)))[0]


def median(call, calls):
    call()
    times = []
    for _ in range(calls):
        started = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times)


keys = jax.random.split(jax.random.PRNGKey(0), 3)
policy, model = network(keys[0], [3, 64, 64, 1]), network(keys[1], [4, 64, 64, 3])
start = jax.random.normal(keys[2], (BATCH, 3))
zeros, still = jax.tree.map(jnp.zeros_like, policy), jnp.zeros((PLANNED, 1))
one = start[0]
print(f"policy step {median(lambda: train(policy, zeros, zeros, model, start), 400):.2f} ms")
print(f"gradient plan {median(lambda: plan(still, model, one), 2000):.3f} ms")

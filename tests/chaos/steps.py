"""The steps of a series. Each one disturbs runs, lets one run end undisturbed, and returns what is wrong then."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from integration.site.harness import kill_tree

from chaos.world import VARIANTS, Run, World

# Faults of APIC, and those of the API server.
APIC_FAULTS = ("status", "drop", "drop-after", "expire", "latency")
# Values that no run may take for anything else, and that none may crash on.
HOSTILE = ("../../etc", "a/b", "{{ 7*7 }}", "a\x1b[2Jb", "x" * 300, '<&">', "no", "010", "\u202e", "[]", "%s", "null")
TARGETS = ("tenant", "vrf", "l3_domain", "physical_domain", "external_epg", "l3out", "cluster_asn", "node_subnets", "vlan", "mtu")
# The most requests of a playbook to APIC, about.
REQUESTS = {"site": 20, "teardown": 16, "maintenance": 2, "undo": 20}
MAINTAINED = ("-e", "node_maintenance_nodes=n1-1", "-e", "node_maintenance_drain=false", "-e", "node_maintenance_timeout=0")


@dataclass
class Step:
    """What a step did: ``what`` for the table, ``outcome`` in short, and ``wrong`` if anything is."""

    what: str
    outcome: str
    wrong: list[str] = field(default_factory=list)


def _finish(world: World, variant: int, step: Step, *disturbed: Run) -> Step:
    """Run site undisturbed, and compare with the reference."""
    reference = world.reference(variant)
    last = world.start("site", variant)
    if last.wait():
        step.wrong.append(f"the next run failed: {last.said()[-2000:]}")
    elif world.state() != reference:
        step.wrong.append(f"the state is that of {world.named()}, not of {variant}:\n{world.unlike(variant)}")
    return _checked(world, step, last, *disturbed)


def _checked(world: World, step: Step, *runs: Run) -> Step:
    step.wrong += world.problems()
    step.wrong += [f"{run.name}: traceback" for run in runs if "Traceback" in run.said()]
    return step


def _kill_at_hang(world: World, run: Run) -> bool:
    """Kill a run when a server hangs; return False if the run ended before."""
    deadline = time.monotonic() + 600
    while run.process.poll() is None and time.monotonic() < deadline:
        hung = world.kube.misbehaviour.hang_at
        if world.apic.misbehaviour.hung.is_set() or (hung is not None and hung < 0):
            break
        time.sleep(0.05)
    killed = run.process.poll() is None
    kill_tree(run.process)
    world.apic.misbehaviour.clear()
    world.kube.misbehaviour.hang_at = None
    time.sleep(0.3)  # the servers notice that the client is gone
    return killed


def kill(world: World, rng: random.Random) -> Step:
    """Kill a playbook at a request to one of the servers."""
    playbook = rng.choice(["site", "site", "teardown", "maintenance"])
    variant, after = rng.randrange(len(VARIANTS)), rng.randrange(len(VARIANTS))
    world.reference(after)
    on_apic = playbook != "maintenance" and rng.random() < 0.6
    number = rng.randint(1, REQUESTS[playbook])
    if on_apic:
        world.apic.misbehave(rng.choice(["hang", "hang-after"]), nth=number)
    else:
        number = rng.randint(1, 40)
        world.kube.misbehaviour.hang_at = number
    run = world.start(playbook, variant, *(MAINTAINED if playbook == "maintenance" else ()))
    killed = _kill_at_hang(world, run)
    if playbook == "maintenance":
        world.start("maintenance", variant, *MAINTAINED, "-e", "node_maintenance_state=end").wait()
    side = "APIC" if on_apic else "Kubernetes"
    return _finish(
        world, after, Step(f"kill {playbook}", f"{'killed' if killed else 'ended before'} at request {number} to {side}"), run
    )


def fault(world: World, rng: random.Random) -> Step:
    """Let a server fail for some requests of a run."""
    variant = rng.randrange(len(VARIANTS))
    world.reference(variant)
    kind = rng.choice([*APIC_FAULTS, "kube-503"])
    number, count = rng.randint(1, REQUESTS["site"]), rng.choice([1, 2, 5])
    status = rng.choice([429, 500, 503]) if kind == "status" else 503
    if kind == "kube-503":
        world.kube.misbehaviour.unavailable = count
    else:
        world.apic.misbehave(kind, nth=number, count=count, status=status, seconds=0.5)
    run = world.start("site", variant)
    code = run.wait()
    world.apic.misbehaviour.clear()
    world.kube.misbehaviour.unavailable = 0
    name = f"{kind} {status}" if kind == "status" else kind
    outcome = "succeeded" if code == 0 else f"failed: {_reason(run)}"
    return _finish(world, variant, Step(f"fault {name} x{count}", outcome), run)


def _reason(run: Run) -> str:
    lines = [line for line in run.said().splitlines() if "ERROR" in line or "fatal:" in line]
    return lines[0][:160] if lines else run.said()[-160:]


def pair(world: World, rng: random.Random) -> Step:
    """Run two inventories of the cluster at once."""
    first, second = rng.sample(range(len(VARIANTS)), 2)
    references = {variant: world.reference(variant) for variant in (first, second)}
    runs = {first: world.start("site", first, control="one")}
    time.sleep(rng.uniform(0, 8))
    runs[second] = world.start("site", second, control="two", wait=rng.choice([0, 1500, 1500]))
    codes = {variant: run.wait() for variant, run in runs.items()}
    state = world.state()
    winner = next((variant for variant, reference in references.items() if reference == state), None)
    step = Step(
        "pair", " ".join(f"{variant}:{'ok' if code == 0 else 'refused'}" for variant, code in codes.items()) + f" -> {winner}"
    )
    if winner is None:
        step.wrong += [f"not the result of {variant}:\n{world.unlike(variant)}" for variant in (first, second)]
    elif codes[winner]:
        step.wrong.append(f"the result of {winner}, which failed: {runs[winner].said()[-1000:]}")
    for variant, code in codes.items():
        if code and not any(
            word in runs[variant].said() for word in ("lease-held", "lease-lost", "Another run", "no longer holds")
        ):
            step.wrong.append(f"{variant} does not say what happened: {runs[variant].said()[-1500:]}")
    return _checked(world, step, *runs.values())


def hostile(world: World, rng: random.Random) -> Step:
    """Run with a value that makes no sense: it is refused, or the next run undoes it."""
    variant = rng.randrange(len(VARIANTS))
    name, value = rng.choice(TARGETS), rng.choice(HOSTILE)
    VARIANTS.append(VARIANTS[variant] | {f"aci_calico_{name}": value})
    try:
        before = world.named()
        run = world.start("site", len(VARIANTS) - 1)
        code = run.wait()
    finally:
        del VARIANTS[-1]
    step = Step(f"hostile {name}", f"{value[:20]!r} {'accepted' if code == 0 else 'refused'}")
    if code and before is not None and world.named() != before:
        step.outcome += " in the middle"
    return _finish(world, variant, step, run)


def undo(world: World, rng: random.Random) -> Step:
    """Change the cluster, kill the undo at a request to APIC, and undo again: both sides are as before."""
    first, second = rng.sample(range(len(VARIANTS)), 2)
    number = rng.randint(1, REQUESTS["undo"])
    step = Step("undo", f"of {second} after {first}, killed at request {number} to APIC")
    runs = [world.start("site", first)]
    runs[0].wait()
    before = world.state()
    runs.append(world.start("site", second))
    runs[1].wait()
    world.apic.misbehave(rng.choice(["hang", "hang-after"]), nth=number)
    runs.append(world.start("undo", second))
    _kill_at_hang(world, runs[2])
    runs.append(world.start("undo", second))
    if runs[3].wait():
        step.wrong.append(f"the next undo failed: {runs[3].said()[-2000:]}")
    elif world.state() != before:
        step.wrong.append("the state is not as before the run")
    return _checked(world, step, *runs)


STEPS: dict[str, Callable[[World, random.Random], Step]] = {
    "kill": kill,
    "pair": pair,
    "fault": fault,
    "hostile": hostile,
    "undo": undo,
}
WEIGHTS = {"kill": 4, "pair": 4, "fault": 3, "hostile": 1, "undo": 2}


def play(world: World, seed: str, number: int, kinds: list[str]) -> Step:
    """Play one step of a series. It depends on the seed and its number only."""
    rng = random.Random(f"{seed}:{number}")
    kind = rng.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
    return STEPS[kind](world, rng)

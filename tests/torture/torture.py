#!/usr/bin/env python3
"""The torture test: clients read, write and watch by HTTPS while servers and members of etcd are
killed, held and cut off, and then the history of it is checked against what the store promises.

    tests/torture/torture.py --backend etcd --seconds 600 --seed 7

Prints its seed, with which the clients and the faults make the same choices again. Needs root, as a
server does, and Debian's etcd-server.
"""
import argparse
import collections
import json
import os
import random
import secrets
import sys
import threading
import time
import traceback

import checker
import network
from clients import KEYS, NAMESPACE, OBJECTS, Connection, Locker, NoAnswer, NotSent, Watcher
from clients import Tenant, Worker, revision_of
from cluster import Cluster
from history import History

CATCH_UP_SECONDS = 60


class Nemesis(threading.Thread):
    """Kills, holds and cuts off processes, and lets them come back; and compacts etcd."""

    def __init__(self, run):
        super().__init__(name="nemesis", daemon=True)
        self.run_of, self.cluster = run, run.cluster
        self.rng = random.Random(f"{run.seed}/nemesis")
        self.counts = collections.Counter()

    def run(self):
        try:
            while not self.run_of.is_ending:
                self.wait(0.5 + self.rng.random() * 3)
                self.strike()
                for process in self.cluster.processes():
                    process.tend()
        except Exception as error:  # pylint: disable=broad-except
            self.run_of.broken(self, error)

    def wait(self, seconds):
        self.run_of.ending.wait(seconds)

    def strike(self):
        kinds = [(self.kill, self.cluster.servers, 1), (self.hold, self.cluster.servers, 1)]
        if self.cluster.members:
            members = self.cluster.members
            kinds += [(self.kill, members, 1), (self.hold, members, 1), (self.kill, members, 2),
                      (self.cut_off, members, 1), (self.isolate, members, 1),
                      (self.cut_off, members, 2), (self.compact, members, 0)]
        how, group, count = self.rng.choice(kinds)
        victims = self.rng.sample(group, count)
        seconds = self.rng.random() * 3
        if how(victims, seconds) is not False:
            self.counts[f"{how.__name__} {count} {group[0].name.split()[0]}"] += 1

    def kill(self, victims, seconds):
        for victim in victims:
            victim.kill()
        self.wait(seconds)
        for victim in victims:
            victim.start()

    def hold(self, victims, seconds):
        for victim in victims:
            victim.hold()
        self.wait(seconds)
        for victim in victims:
            victim.let_go()

    def cut_off(self, victims, seconds, from_clients=False):
        """From the other members; servers still reach them."""
        self.cluster.cut(victims, from_clients)
        self.wait(seconds)
        self.cluster.mend()

    def isolate(self, victims, seconds):
        self.cut_off(victims, seconds, from_clients=True)

    def compact(self, _victims, _seconds):
        """To where the slowest watch stands: whatever restarts, that one must be able to go on."""
        return self.cluster.compact(min(watcher.revision for watcher in self.run_of.watchers))


class Run:
    def __init__(self, options):
        self.seed, self.seconds = options.seed, options.seconds
        self.clients_wanted = options.clients
        self.history = History()
        self.cluster = Cluster(options.backend)
        self.ending = threading.Event()
        self.last_revision = 0
        self.first_revision = 0
        self.failures = []
        self.watchers = []

    @property
    def is_ending(self):
        return self.ending.is_set()

    def is_over(self, client):
        if self.failures:
            return True
        if isinstance(client, Watcher):  # They see everything.
            return self.last_revision and client.revision >= self.last_revision
        return self.is_ending

    def broken(self, thread, error):
        self.failures.append(f"{thread.name}: {''.join(traceback.format_exception(error))}")

    def patiently(self, connection, method, path, body=None, good=(200, 201, 409)):
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while True:
            try:
                status, answer = connection.call(method, path, body)
                if status in good:
                    return answer
                problem = answer
            except (NotSent, NoAnswer) as error:
                problem = error
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {path}: {problem}")
            time.sleep(0.2)

    def play(self):
        self.cluster.start()
        self.tls = self.cluster.tls()
        connection = Connection(self.cluster.ports, self.tls, random.Random(self.seed))
        self.patiently(connection, "POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        self.first_revision = revision_of(self.patiently(connection, "GET", OBJECTS, good=(200,)))
        clients = [Worker(self, f"w{i}") for i in range(self.clients_wanted)]
        clients += [Locker(self, f"l{i}") for i in range(3)]
        clients += [Tenant(self, f"t{i}") for i in range(2)]
        self.watchers = [Watcher(self, f"watch-{i}") for i in range(3)]
        nemesis = Nemesis(self)
        for thread in [*clients, *self.watchers, nemesis]:
            thread.start()
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline and not self.failures and not self.history.is_full():
            time.sleep(0.1)
        self.seconds -= max(0, deadline - time.monotonic())  # What it has become.
        self.ending.set()
        nemesis.join()
        for client in clients:
            client.join()
        self.cluster.heal()
        self.settle()
        return nemesis.counts

    def settle(self):
        """Everything is well again: one more write, which every watch must see."""
        last = Worker(self, "last")
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while not self.last_revision and time.monotonic() < deadline:
            self.last_revision = last.overwrite(KEYS[0]) or last.create(KEYS[0])
        if not self.last_revision:
            raise AssertionError("nothing can be written when all is well again")
        for watcher in self.watchers:
            watcher.join(CATCH_UP_SECONDS)
            if watcher.is_alive():
                raise AssertionError(f"{watcher.name} stays at {watcher.revision}, "
                                     f"{self.last_revision} was written")
        for port in self.cluster.ports:
            last.connection = Connection([port], self.tls, random.Random(0))
            last.list(None)


def summary(run, strikes):
    outcomes = collections.Counter(f"{write.verb} {write.outcome}" for write in run.history.writes)
    return json.dumps({
        "seed": run.seed, "seconds": round(run.seconds), "writes": dict(sorted(outcomes.items())), "faults": dict(strikes),
        "reads": len(run.history.reads), "lists": len(run.history.lists),
        "watches": len(run.history.segments), "holds": len(run.history.holds),
        "events": sum(len(segment.events) for segment in run.history.segments)})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--backend", choices=["etcd", "embedded"], required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int,
                        default=int(os.environ.get("PINNACE_TORTURE_SEED", secrets.randbits(32))))
    options = parser.parse_args()
    network.enter()
    print(f"seed {options.seed}: --backend {options.backend} --seconds {options.seconds:g} "
          f"--clients {options.clients} --seed {options.seed}", flush=True)
    run = Run(options)
    good = False
    try:
        strikes = run.play()
        print(summary(run, strikes), flush=True)
        faults = checker.check(run.history)
        for failure in run.failures:
            print(failure)
        for what, found in faults.items():
            print(f"{what}:", *found, sep="\n  ")
        good = not faults and not run.failures
    finally:
        run.cluster.destroy(keep=not good)
        if not good:
            print(f"seed {run.seed}; the processes' logs are in {run.cluster.directory}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()

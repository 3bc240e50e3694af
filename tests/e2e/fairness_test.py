#!/usr/bin/env python3
"""One client that sends as much as it can does not keep nodes from their heartbeats."""
import json
import os

import harness

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
DUMP = "/debug/api_priority_and_fairness/dump_priority_levels"
STREAMS = 240  # Of each curl, on one connection.
REQUESTS = 1500
CURLS = 3
BEATS = 30
TOKENS = """flood-token,flooder,1
node-token,system:node:far,2,"system:nodes"
"""


class Fairness(harness.ServerTest):
    @classmethod
    def up(cls):
        # Beside what `destroy` removes and the server makes.
        cls.tokens = os.path.join(cls.cluster.directory, "tokens")
        with open(cls.tokens, "w") as file:
            file.write(TOKENS)
        cls.server_options = ("--token-auth-file", cls.tokens, "--max-requests-inflight", "20",
                              "--max-mutating-requests-inflight", "10")
        super().up()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls()
        test.kubectl("create", "clusterrolebinding", "flood", "--clusterrole=view",
                     "--user=flooder")
        test.kubectl("create", "namespace", "large")
        test.fill("default", 10, 50_000)
        test.fill("large", 40, 200_000)  # More than sockets take in.

    def fill(self, namespace, count, size):
        self.apply(*({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"m{i}"},
                      "data": {"text": "x" * size}} for i in range(count)), namespace=namespace)

    def as_user(self, token, method, path, body=None):
        """(status, headers) of a request with a token."""
        argv = ["curl", "-sS", "--max-time", "60", "-X", method, "--cacert",
                self.credentials()["ca"], "-o", "/dev/null", "-D", "-", "-w", "%{http_code}", "-H",
                f"Authorization: Bearer {token}", f"https://127.0.0.1:{self.cluster.port}{path}"]
        if body is not None:
            kind = "merge-patch+json" if method == "PATCH" else "json"
            argv += ["-H", f"Content-Type: application/{kind}", "--data-binary", json.dumps(body)]
        head, _, status = self.cluster.inside(argv).stdout.rpartition("\n")
        headers = dict(line.strip().lower().split(": ", 1) for line in head.splitlines()
                       if ": " in line)
        return int(status), headers

    def lease(self, beat):
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": "far", "namespace": "kube-node-lease"},
                "spec": {"holderIdentity": "far", "leaseDurationSeconds": 40,
                         "renewTime": f"2026-01-01T00:00:{beat:02}.000000Z"}}

    def start_flood(self, *options, namespace="default"):
        return self.cluster.popen(
            ["curl", "-sS", "--no-progress-meter", "--parallel", "--parallel-immediate",
             "--parallel-max", STREAMS, *options, "--cacert", self.credentials()["ca"], "-o",
             "/dev/null", "-w", "%{http_code}\n", "-H", "Authorization: Bearer flood-token",
             f"https://127.0.0.1:{self.cluster.port}/api/v1/namespaces/{namespace}/configmaps"
             f"?n=[1-{REQUESTS}]"])

    def level(self, name):
        """A level's row of the dump, by column."""
        code, text = self.request("GET", DUMP)
        self.assertEqual(code, 200, text)
        rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
        return next(dict(zip(rows[0], row)) for row in rows if row[0] == name)

    def test_a_flood_does_not_starve_heartbeats(self):
        status, headers = self.as_user("node-token", "POST", LEASES, self.lease(0))
        self.assertEqual(status, 201)
        node_flow = json.loads(self.request(
            "GET", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/system-node-high")[1])
        self.assertEqual(headers["x-kubernetes-pf-flowschema-uid"], node_flow["metadata"]["uid"])

        before = self.level("global-default")
        floods = [self.start_flood("--http2") for _ in range(CURLS)]
        beats = []
        for beat in range(1, BEATS + 1):
            beats.append(self.as_user("node-token", "PATCH", LEASES + "/far", self.lease(beat))[0])
        self.assertEqual(beats, [200] * BEATS)

        codes = []
        for flood in floods:
            output, errors = flood.communicate(timeout=harness.PATIENCE_SECONDS)
            self.assertEqual(flood.returncode, 0, errors)
            codes += output.split()
        self.assertEqual(len(codes), CURLS * REQUESTS)
        self.assertLessEqual(set(codes), {"200", "429"})
        self.assertIn("200", codes)

        # The flood was among its like, and has left nothing behind.
        mine = harness.eventually(
            lambda: (level := self.level("global-default"))["IsIdle"] == "true" and level,
            "the level of the flood is idle")
        self.assertEqual(mine["WaitingRequests"], "0")

        def more(*columns):
            return sum(int(mine[column]) - int(before[column]) for column in columns)
        self.assertGreaterEqual(more("DispatchedRequests"), codes.count("200"))
        self.assertEqual(more("RejectedRequests", "TimedoutRequests"), codes.count("429"))
        nodes = self.level("node-high")
        self.assertEqual(nodes["RejectedRequests"], "0")
        self.assertGreaterEqual(int(nodes["DispatchedRequests"]), BEATS)

    def test_who_goes_away_leaves_nothing_behind(self):
        for version in ("--http2", "--http1.1"):
            with self.subTest(version):
                flood = self.start_flood(version, "--limit-rate", "10k", namespace="large")
                harness.eventually(
                    lambda: int(self.level("global-default")["WaitingRequests"]) > 0,
                    "somebody waits", interval=0.01)
                flood.kill()
                flood.communicate(timeout=harness.PATIENCE_SECONDS)
                harness.eventually(lambda: self.level("global-default")["IsIdle"] == "true",
                                   "the level of the flood is idle")


if __name__ == "__main__":
    harness.main()

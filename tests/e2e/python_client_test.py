#!/usr/bin/env python3
"""The official Python client (Debian's python3-kubernetes): create, list, watch, exec."""
import os

import harness
from harness import ROOT, eventually

# Runs with Debian's own interpreter, inside the cluster's namespace.
SCRIPT = os.path.join(ROOT, "tests", "e2e", "python_client_script.py")


class PythonClient(harness.ClusterTest):
    def test_create_list_watch_and_exec(self):
        result = self.cluster.inside(["/usr/bin/python3", SCRIPT, self.cluster.kubeconfig])
        self.assertEqual(result.stdout.splitlines(), [
            "created web", "listed ['web']", "watched ready", "exec said hello from inside",
            "deleted web"])
        eventually(lambda: not self.get("pods")["items"], "the pod is gone")


if __name__ == "__main__":
    harness.main()

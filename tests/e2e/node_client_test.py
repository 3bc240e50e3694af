#!/usr/bin/env python3
"""The official client for JavaScript: informers across a restart of the server, apply, logs, exec."""
import os
import shutil

import harness
from harness import CLIENTS, ROOT

SCRIPT = os.path.join(ROOT, "tests", "e2e", "node_client_script.mjs")


class NodeClient(harness.ClusterTest):
    def test_informers_apply_logs_and_exec(self):
        # A module finds its packages beside itself.
        script = os.path.join(CLIENTS, os.path.basename(SCRIPT))
        shutil.copy(SCRIPT, script)
        process = self.cluster.popen([shutil.which("node"), script, self.cluster.kubeconfig,
                                      "with-pods"], stdin=harness.subprocess.PIPE)
        self.addCleanup(self._end, process)
        self.assertEqual(process.stdout.readline(), "informed of a\n",
                         process.poll() is not None and process.stderr.read())
        self.cluster.pinnace("down")
        self.cluster.up()
        process.stdin.write("go on\n")
        process.stdin.flush()
        out, err = process.communicate(timeout=harness.PATIENCE_SECONDS)
        self.assertEqual(out.splitlines(), [
            "informed of b after the restart", "conflict 409", "applied by second first,second",
            "log logged", "exec Success hello from inside"], err)


if __name__ == "__main__":
    harness.main()

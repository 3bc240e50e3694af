#!/usr/bin/env python3
"""Stock Helm of three generations: a chart with a subchart, hooks, a test and a CRD is installed,
upgraded, rolled back, tested and uninstalled."""
import json
import os

import harness
from harness import CLIENTS, ROOT, eventually

CHART = os.path.join(ROOT, "tests", "e2e", "charts", "harbor")
HOOKS = ("pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-rollback", "pre-delete")


class Helm(harness.ClusterTest):
    def helm(self, *arguments, check=True):
        home = os.path.join(self.cluster.directory, "helm-" + self.program)
        environment = dict(os.environ, HELM_CACHE_HOME=home, HELM_CONFIG_HOME=home,
                           HELM_DATA_HOME=home, KUBECONFIG=self.cluster.kubeconfig)
        return self.cluster.inside([os.path.join(CLIENTS, self.program), *arguments],
                                   env=environment, check=check, timeout=180)

    def greeting(self):
        return self.get("configmap", f"{self.release}-harbor")["data"]["greeting"]

    def assert_hooks_ran(self, *whens):
        for when in whens:
            self.assertEqual(self.kubectl("logs", f"{self.release}-{when}"),
                             f"{when} of {self.release}\n")

    def use(self, program):
        self.program, self.release = program, program.replace(".", "-")
        waits = ["--wait", "--timeout", "120s"]
        self.helm("install", self.release, CHART, *waits)
        self.assert_hooks_ran("pre-install", "post-install")
        deployed = self.get("deployment", f"{self.release}-harbor")
        self.assertEqual(deployed["status"]["availableReplicas"], 1, "--wait waits")
        self.assertEqual(self.get("configmap", f"{self.release}-beacon")["data"]["light"], "white")
        self.assertEqual(self.get("berth", f"{self.release}-quay")["spec"]["metres"], 12)

        self.helm("upgrade", self.release, CHART, "--set", "greeting=ahoy,replicas=2", *waits)
        self.assertEqual(self.greeting(), "ahoy")
        self.assert_hooks_ran("pre-upgrade", "post-upgrade")
        values = json.loads(self.helm("get", "values", self.release, "-o", "json").stdout)
        self.assertEqual(values, {"greeting": "ahoy", "replicas": 2})
        self.assertIn("kind: Deployment", self.helm("get", "manifest", self.release).stdout)
        refused = self.helm("upgrade", self.release, CHART, "--set", "replicas=-1", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("must be greater than or equal to 0", refused.stderr)

        self.helm("rollback", self.release, "1", *waits)
        self.assertEqual(self.greeting(), "hello")
        self.assert_hooks_ran("pre-rollback")
        status = json.loads(self.helm("status", self.release, "-o", "json").stdout)
        self.assertEqual((status["version"], status["info"]["status"]), (4, "deployed"))
        history = json.loads(self.helm("history", self.release, "-o", "json").stdout)
        self.assertEqual([one["status"] for one in history],
                         ["superseded", "superseded", "failed", "deployed"])
        tested = self.helm("test", self.release, "--logs").stdout
        self.assertIn("Succeeded", tested)

        self.helm("uninstall", self.release, *waits[:1])
        self.assert_hooks_ran("pre-delete")
        self.assertEqual(json.loads(self.helm("list", "-o", "json").stdout), [])
        eventually(lambda: not self.kubectl(
            "get", "deployments,services,configmaps,berths", "-l",
            f"app.kubernetes.io/instance={self.release}", "-o", "name"), "all of it is gone")
        for when in HOOKS:
            self.kubectl("delete", "pod", f"{self.release}-{when}", "--grace-period=1")

    def test_helm_4(self):
        self.use("helm-v4")

    def test_helm_3_17(self):
        self.use("helm-v3.17")

    def test_helm_3_8(self):
        self.use("helm-v3.8")


if __name__ == "__main__":
    harness.main()

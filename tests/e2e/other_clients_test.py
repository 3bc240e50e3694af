#!/usr/bin/env python3
"""Clients of other languages against a server without a node: Ruby, and Patroni's leader lock."""
import os

import harness
from harness import ROOT


class OtherClients(harness.ServerTest):
    def script(self, interpreter, name, *arguments):
        environment = dict(os.environ, KUBECONFIG=self.cluster.kubeconfig)
        return self.cluster.inside([interpreter, os.path.join(ROOT, "tests", "e2e", name),
                                    *arguments], env=environment).stdout.splitlines()

    def test_ruby(self):
        self.assertEqual(self.script("/usr/bin/ruby", "ruby_client_script.rb",
                                     self.cluster.kubeconfig), [
            "created ruby", "watched MODIFIED blue",
            'refused 404: configmaps "none" not found', "left 0"])

    def test_patroni_holds_its_leader_lock(self):
        context = self.kubectl("config", "current-context").strip()
        for name in ("one", "two"):
            self.apply({"apiVersion": "v1", "kind": "Pod",
                        "metadata": {"name": name,
                                     "labels": {"app": "patroni", "cluster-name": "demo"}},
                        "spec": {"automountServiceAccountToken": False,
                                 "containers": [{"name": "c", "image": "postgres"}]}})
        self.assertEqual(self.script("/usr/bin/python3", "patroni_script.py", context), [
            "initialize: True", "lock: True False", "leader: one members: ['one', 'two']",
            "renewed: True", "taken with what was read before: False",
            "taken when it was free: True"])


if __name__ == "__main__":
    harness.main()

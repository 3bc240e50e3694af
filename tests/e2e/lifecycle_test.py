#!/usr/bin/env python3
"""A cluster's own life: started twice, stopped, killed, deleted; and what `up` says when it cannot."""
import json
import os
import select
import signal
import subprocess
import threading

import harness
from harness import PINNACE, eventually, run


def config_map(name):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
            "data": {"name": name}}


def sleeper():
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "sleeper"},
            "spec": {"containers": [{"name": "c", "image": "pinnace/toolbox:1",
                                     "command": ["sleep", "36000"]}]}}


class Lifecycle(harness.ClusterTest):
    def container_id(self):
        status = self.get("pod", "sleeper")["status"]["containerStatuses"][0]
        self.assertEqual(status["restartCount"], 0)
        return status["containerID"]

    def start_sleeper(self):
        self.kubectl("label", "--overwrite", "namespace", "default", "kept=yes")
        if not self.kubectl("get", "pod", "sleeper", "--ignore-not-found"):
            self.apply(sleeper())
        self.kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s")

    def test_a_second_up_changes_nothing(self):
        before = self.cluster.server_pid()
        self.assertIn("already runs", self.cluster.up().stdout)
        self.assertEqual(self.cluster.server_pid(), before)
        self.assertIn("Ready", self.cluster.pinnace("status").stdout)

    def test_down_and_up_keep_all_objects(self):
        self.apply(config_map("kept"))
        self.start_sleeper()
        self.cluster.pinnace("down")
        self.assertNotEqual(self.cluster.pinnace("status", check=False).returncode, 0)
        self.up()
        self.assertEqual(self.get("configmap", "kept")["data"]["name"], "kept")
        self.wait_until_running("sleeper")
        self.kubectl("delete", "configmap/kept", "pod/sleeper", "--grace-period=1")

    def wait_until_running(self, name):
        self.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
        self.assertIn("1/1", self.kubectl("get", "pod", name))

    def kill_server(self):
        pid = self.cluster.server_pid()
        os.kill(pid, signal.SIGKILL)

        def is_gone():
            try:
                with open(f"/proc/{pid}/stat") as file:
                    return " Z " in file.read()
            except FileNotFoundError:
                return True
        eventually(is_gone, "the server is gone")

    def test_killing_the_server_leaves_pods_running(self):
        self.start_sleeper()
        before = self.container_id()
        self.kill_server()
        self.up()
        self.wait_until_running("sleeper")
        self.assertEqual(self.container_id(), before)

    def test_restarting_containerd_leaves_pods_running(self):
        self.start_sleeper()
        before = self.container_id()
        with open(f"/run/pinnace/{self.cluster.name}/containerd.pid") as file:
            old = int(file.read())
        os.kill(old, signal.SIGKILL)

        def restarted():
            with open(f"/run/pinnace/{self.cluster.name}/containerd.pid") as file:
                return int(file.read()) != old
        eventually(restarted, "containerd is started again")
        eventually(lambda: "sleeper-ok" in self.kubectl("exec", "sleeper", "--", "echo",
                                                        "sleeper-ok"), "exec works again")
        self.assertEqual(self.container_id(), before)

    def touch_until_seen(self, watcher):
        """Makes and removes an object until the watch shows it: then the watch has begun."""
        def is_seen():
            self.apply(config_map("beacon"))
            self.kubectl("delete", "configmap", "beacon")
            return select.select([watcher.stdout], [], [], 0)[0]
        eventually(is_seen, "the watch has begun")

    def test_kill_9_in_the_middle_of_creates_loses_nothing(self):
        files = self.credentials()
        acknowledged, lock = [], threading.Lock()

        def create(worker):
            # One curl makes many requests over one connection; it prints a status for each.
            names = [f"crash-{worker}-{number}" for number in range(125)]
            argv = []
            for name in names:
                argv += ["--next"] if argv else []
                argv += ["-sS", "--max-time", "20", "--cacert", files["ca"], "--cert",
                         files["cert"], "--key", files["key"], "-o", "/dev/null", "-w",
                         name + " %{http_code}\\n", "-H", "Content-Type: application/json",
                         "--data", json.dumps(config_map(name)),
                         f"https://127.0.0.1:{self.cluster.port}"
                         "/api/v1/namespaces/default/configmaps"]
            result = self.cluster.inside(["curl", *argv], check=False)
            with lock:
                for line in result.stdout.splitlines():
                    name, _, code = line.rpartition(" ")
                    if code == "201":
                        acknowledged.append(name)

        before = self.get("configmaps")["metadata"]["resourceVersion"]
        watcher = self.start_kubectl("get", "configmaps", "--watch-only", "-o", "name")
        self.touch_until_seen(watcher)
        workers = [threading.Thread(target=create, args=(number,)) for number in range(8)]
        for worker in workers:
            worker.start()
        # In the middle: each worker waits for its answer, so all but the last eight had theirs.
        made = 0
        for name in watcher.stdout:
            made += "crash-" in name
            if made == 100:
                break
        self.kill_server()
        for worker in workers:
            worker.join()
        self.up()
        kept = set(self.kubectl("get", "configmaps", "-o", "name").split())
        lost = [name for name in acknowledged if "configmap/" + name not in kept]
        self.assertGreaterEqual(len(acknowledged), 92)
        self.assertLess(len(acknowledged), 1000, "the server was killed too late to prove anything")
        self.assertEqual(lost, [], f"of {len(acknowledged)} acknowledged objects")
        # A watch from before the crash goes on where it was, over what was kept.
        path = "/api/v1/namespaces/default/configmaps"
        code, events = self.request(
            "GET", f"{path}?watch=true&resourceVersion={before}&timeoutSeconds=3")
        self.assertEqual(code, 200, events)
        seen = ["configmap/" + event["object"]["metadata"]["name"]
                for event in map(json.loads, events.splitlines()) if event["type"] == "ADDED"]
        self.assertEqual(sorted(name for name in seen if "/crash-" in name),
                         sorted(name for name in kept if "/crash-" in name))
        self.assertEqual(self.request("DELETE", path)[0], 200)

    # ------------------------------------------------------------------ when it cannot start

    def fails(self, *arguments, **options):
        result = self.cluster.inside([PINNACE, *arguments], check=False, **options)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        return result.stderr

    def test_a_port_that_is_taken(self):
        message = self.fails("up", "--name", self.cluster.name + "-b", "--data-dir",
                             self.cluster.directory + "/b")
        self.assertIn("port 6443 is taken", message)
        self.assertIn("--port", message)

    def test_without_root(self):
        result = run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PINNACE, "up"],
                     check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("needs root", result.stderr)

    def test_without_cgroups(self):
        script = "mount -t tmpfs none /sys/fs/cgroup && exec \"$0\" up --name nocgroup"
        result = run(["unshare", "-m", "sh", "-c", script, PINNACE], check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("control groups", result.stderr)

    def test_without_a_runtime(self):
        name = self.cluster.name + "-c"
        data = os.path.join(self.cluster.directory, "c")
        message = self.fails("up", "--name", name, "--data-dir", data, "--port", "7443",
                             "--kubeconfig", self.cluster.directory + "/other",
                             env={**os.environ, "PATH": "/nowhere"})
        self.assertIn("containerd is not installed", message)
        self.assertIn("apt-get install containerd", message)
        self.cluster.inside([PINNACE, "delete", "--name", name, "--data-dir", data, "--kubeconfig",
                             self.cluster.directory + "/other"])

    def test_bad_options_name_themselves(self):
        for arguments, words in (
                (["up", "--port", "none"], "--port must be a number"),
                (["up", "--pod-cidr", "ten"], "--pod-cidr must be an IPv4 network"),
                (["up", "--name", "No Name"], "--name must be"),
                (["up", "--nmae", "x"], "unknown option --nmae"),
                (["upp"], "unknown command"),
                (["image", "tag", "a"], "usage: pinnace image tag")):
            self.assertIn(words, self.fails(*arguments))


class Deletion(harness.ClusterTest):
    def test_verify_lists_what_is_there_while_it_runs(self):
        self.apply(sleeper())
        self.kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s")
        result = self.cluster.pinnace("delete", "--verify", check=False)
        self.assertEqual(result.returncode, 1)
        for kind in ("process", "mount", "link", "nftables table", "cgroup", "files"):
            self.assertRegex(result.stdout, rf"(?m)^{kind}  ")

    def test_zz_delete_leaves_nothing_of_a_killed_cluster(self):
        os.kill(self.cluster.server_pid(), signal.SIGKILL)
        self.cluster.pinnace("delete", "--kubeconfig", self.cluster.kubeconfig)
        self.assertIn("Nothing of cluster", self.cluster.pinnace("delete", "--verify").stdout)
        self.assertEqual(self.cluster.forwarding(), self.cluster.forwarding_before)
        with open("/proc/self/mountinfo") as file:
            mounts = file.read()
        self.assertNotIn(f"/run/pinnace/{self.cluster.name}", mounts)
        self.assertNotIn(self.cluster.data_dir, mounts)
        with open(self.cluster.kubeconfig) as file:
            self.assertNotIn("pinnace", file.read())


class Apart(harness.ClusterTest):
    """A server and an agent as two processes, as a service manager would start them."""

    @classmethod
    def up(cls):
        cls.start("server")
        cls.cluster.kubeconfig = os.path.join(cls.cluster.data_dir, "admin.kubeconfig")
        eventually(lambda: cls.cluster.inside([
            os.path.join(harness.CLIENTS, cls.kubectl_name), "--kubeconfig",
            cls.cluster.kubeconfig, "get", "--raw", "/readyz"]).stdout == "ok", "the server")
        cls.agent = cls.start("agent")

    @classmethod
    def start(cls, verb):
        process = subprocess.Popen(
            cls.cluster.enter() + [PINNACE, verb, "--name", cls.cluster.name, "--data-dir",
                                   cls.cluster.data_dir], stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.end, process)
        return process

    @staticmethod
    def end(process):
        process.terminate()
        process.wait(timeout=30)

    def test_pods_run_and_outlive_the_agent(self):
        eventually(lambda: " Ready " in self.kubectl("get", "nodes"), "the node is Ready")
        self.apply(sleeper())
        self.kubectl("wait", "--for=condition=Ready", "pod/sleeper", "--timeout=60s")
        before = self.get("pod", "sleeper")["status"]["containerStatuses"][0]["containerID"]
        self.end(self.agent)
        type(self).agent = self.start("agent")
        eventually(lambda: self.kubectl("exec", "sleeper", "--", "echo", "here") == "here\n",
                   "the new agent serves the old pod")
        after = self.get("pod", "sleeper")["status"]["containerStatuses"][0]
        self.assertEqual((after["containerID"], after["restartCount"]), (before, 0))


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""The hello-world session: what a course on Kubernetes types, with stock kubectl."""
import json
import os
import threading

import harness
from harness import NODE_IP, eventually, run

POD_NAME = "nodehelloworld.example.com"


def container(version=1, **extra):
    return {"name": "k8s-demo", "image": f"pinnace/hello:{version}",
            "ports": [{"name": "nodejs-port", "containerPort": 3000}], **extra}


def pod(name=POD_NAME, labels=None, **spec):
    spec.setdefault("containers", [container()])
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": labels or {"app": "helloworld"}}, "spec": spec}


def deployment(name="helloworld-deployment", version="apps/v1", replicas=3, selector=True,
               app="web", **pod_spec):
    pod_spec.setdefault("containers", [container()])
    spec = {"replicas": replicas,
            "template": {"metadata": {"labels": {"app": app}}, "spec": pod_spec}}
    if selector:
        spec["selector"] = {"matchLabels": {"app": app}}
    return {"apiVersion": version, "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(name, app, **spec):
    spec = {"selector": {"app": app}, "type": "NodePort",
            "ports": [{"port": 31001, "targetPort": "nodejs-port", "protocol": "TCP"}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


class HelloSession(harness.ClusterTest):
    def setUp(self):
        self.addCleanup(self.remove_everything)

    def remove_everything(self):
        self.kubectl("delete", "deployments,replicasets,replicationcontrollers,pods,configmaps",
                     "--all", "--grace-period=1", check=False)
        self.kubectl("delete", "services", "-l", "component!=apiserver", check=False)
        self.kubectl("delete", "secrets", "--all", check=False)
        self.wait_gone("pods")

    def start_pod(self, **kwargs):
        self.apply(pod(**kwargs))
        return self.wait_ready("app=helloworld")[0]

    def node_port(self, name):
        return self.get("service", name)["spec"]["ports"][0]["nodePort"]

    # ------------------------------------------------------------------ one pod

    def test_a_pod_is_created_and_shown(self):
        created = self.start_pod()
        self.assertIn("1/1", self.kubectl("get", "pod"))
        self.assertIn("app=helloworld", self.kubectl("get", "pods", "--show-labels"))
        self.assertIn(created["status"]["podIP"], self.kubectl("get", "pods", "-o", "wide"))
        self.assertIn("name: nodejs-port", self.kubectl("get", "pod", POD_NAME, "-o", "yaml"))
        phase = self.kubectl("get", "pod", POD_NAME, "-o", "jsonpath={.status.phase}")
        self.assertEqual(phase, "Running")
        described = eventually(
            lambda: (text := self.kubectl("describe", "pod", POD_NAME)) and "Started" in text and text,
            "events in describe")
        for reason in ("Scheduled", "Pulled", "Created", "Started"):
            self.assertIn(reason, described)
        self.assertIn("Ready", self.kubectl("get", "nodes"))

    def test_port_forward_reaches_a_named_port(self):
        self.start_pod()
        self.start_kubectl("port-forward", POD_NAME, "8081:nodejs-port")
        self.assertIn("Hello World!", self.curl_until("http://127.0.0.1:8081/", "Hello World!"))

    def test_expose_gives_a_node_port(self):
        self.start_pod()
        self.kubectl("expose", "pod", POD_NAME, "--type=NodePort", "--name", "helloworld-service")
        port = self.node_port("helloworld-service")
        self.assertTrue(30000 <= port <= 32767)
        for address in (NODE_IP, "127.0.0.1"):
            self.curl_until(f"http://{address}:{port}/", "Hello World!")
        # A neighbor reaches it too. What comes from there for the node's loopback the kernel drops,
        # because no link may carry such addresses.
        switches = self.cluster.inside(
            ["sh", "-c", "cat /proc/sys/net/ipv4/conf/*/route_localnet"]).stdout.split()
        self.assertEqual(set(switches), {"0"})
        curl = ["curl", "-sS", "--max-time", "3"]
        self.assertIn("Hello World!", self.cluster.at_neighbor(
            [*curl, f"http://{NODE_IP}:{port}/"]).stdout)
        run(["ip", "-n", self.cluster.neighbor_netns, "route", "add", "192.0.2.7", "via", NODE_IP])
        self.kubectl("patch", "service", "helloworld-service", "-p",
                     '{"spec":{"externalIPs":["192.0.2.7"]}}')
        eventually(lambda: "Hello World!" in self.cluster.at_neighbor(
            [*curl, "http://192.0.2.7:3000/"]).stdout, "an external IP leads to the service")

    def test_exec_runs_commands_and_shells(self):
        self.start_pod()
        self.assertIn("hello", self.kubectl("exec", POD_NAME, "--", "ls", "/"))
        stderr = self.kubectl_fails("exec", POD_NAME, "--", "sh", "-c", "exit 7")
        self.assertIn("exit code 7", stderr)
        echoed = self.kubectl("exec", "-i", POD_NAME, "--", "cat", input="through and back\n")
        self.assertEqual(echoed, "through and back\n")
        shown, status = self.terminal(self.kubectl_argv("exec", "-it", POD_NAME, "--", "sh"),
                                      [("# ", "echo answer=$((6*7))\n"), ("answer=42", "exit\n")])
        self.assertIn("answer=42", shown)
        self.assertEqual(status, 0)

    def test_attach_shows_what_the_container_writes(self):
        created = self.start_pod()
        attached = self.start_kubectl("attach", POD_NAME)
        url = f"http://{created['status']['podIP']}:3000/"
        stop = threading.Event()

        def visit():
            while not stop.is_set():
                self.curl(url, check=False)
        visitor = threading.Thread(target=visit)
        visitor.start()
        try:
            self.assertIn("GET /", attached.stdout.readline())
        finally:
            stop.set()
            visitor.join()

    def test_logs_follow_and_previous(self):
        created = self.start_pod()
        self.assertIn("listens on port 3000", self.kubectl("logs", POD_NAME))
        follower = self.start_kubectl("logs", "-f", POD_NAME)
        self.assertIn("listens", follower.stdout.readline())
        self.curl(f"http://{created['status']['podIP']}:3000/exit")
        self.assertIn("GET /exit", follower.stdout.readline())
        self.assertIn("asked to exit", follower.stdout.read())
        eventually(lambda: self.get("pod", POD_NAME)["status"]["containerStatuses"][0]
                   ["restartCount"] == 1, "one restart")
        self.assertIn("asked to exit", self.kubectl("logs", "--previous", POD_NAME))
        self.assertEqual(self.kubectl("logs", "--tail=1", POD_NAME).count("\n"), 1)
        self.assertRegex(self.kubectl("logs", "--timestamps", POD_NAME), r"^\d{4}-\d\d-\d\dT")

    def test_label_and_run_interactively(self):
        created = self.start_pod()
        self.kubectl("label", "pod", POD_NAME, "mylabel=awesome")
        self.assertIn("mylabel=awesome", self.kubectl("get", "pods", "--show-labels"))
        url = f"http://{created['status']['podIP']}:3000"
        shown, status = self.terminal(
            self.kubectl_argv("run", "-i", "--tty", "busybox", "--image=pinnace/toolbox:1",
                              "--restart=Never", "--", "sh"),
            [("# ", f"wget -qO- {url}; echo sta''tus=$?\n"), ("status=0", "exit\n")])
        self.assertIn("Hello World!", shown)
        self.assertEqual(status, 0)
        eventually(lambda: self.get("pod", "busybox")["status"]["phase"] == "Succeeded",
                   "the shell's pod has succeeded")

    # ------------------------------------------------------------------ controllers

    def test_replication_controller_replaces_and_scales(self):
        controller = {"apiVersion": "v1", "kind": "ReplicationController",
                      "metadata": {"name": "helloworld-controller"},
                      "spec": {"replicas": 2, "selector": {"app": "rc"},
                               "template": {"metadata": {"labels": {"app": "rc"}},
                                            "spec": {"containers": [container()]}}}}
        path = os.path.join(self.cluster.directory, "rc.json")
        with open(path, "w") as file:
            json.dump(controller, file)
        self.kubectl("create", "-f", path)
        first = self.wait_ready("app=rc", 2)[0]["metadata"]["name"]
        self.kubectl("delete", "pod", first)
        names = [each["metadata"]["name"] for each in self.wait_ready("app=rc", 2)]
        self.assertNotIn(first, names)
        self.kubectl("scale", "--replicas=4", "-f", path)
        self.wait_ready("app=rc", 4)
        self.kubectl("scale", "--replicas=1", "rc/helloworld-controller")
        self.wait_ready("app=rc", 1)
        self.kubectl("delete", "rc/helloworld-controller")
        self.wait_gone("pods", "-l", "app=rc")

    def test_service_by_file_with_a_named_target_port(self):
        self.start_pod()
        self.apply(service("helloworld-service", "helloworld"))
        port = self.node_port("helloworld-service")
        self.curl_until(f"http://{NODE_IP}:{port}/", "Hello World!")
        address = self.get("service", "helloworld-service")["spec"]["clusterIP"]
        self.curl_until(f"http://{address}:31001/", "Hello World!")

    def check_rollouts(self, version, selector):
        name = "helloworld-deployment"
        # Without a readiness probe a pod gets traffic before its program listens.
        probe = {"httpGet": {"path": "/healthz", "port": "nodejs-port"}}
        self.apply(deployment(version=version, selector=selector,
                              containers=[container(readinessProbe=probe)]),
                   service("web", "web", ports=[{"port": 80, "targetPort": "nodejs-port"}]))
        self.kubectl("rollout", "status", f"deployment/{name}", "--timeout=90s")
        self.assertIn("3/3", self.kubectl("get", "deployments,rs"))
        url = f"http://{self.get('service', 'web')['spec']['clusterIP']}/"
        self.curl_until(url, "version=1")
        answers = self.visit_during(
            url, lambda: (self.kubectl("set", "image", f"deployment/{name}",
                                       "k8s-demo=pinnace/hello:2"),
                          self.kubectl("rollout", "status", f"deployment/{name}",
                                       "--timeout=90s")))
        self.assertIn("version=1", answers[0])
        self.curl_until(url, "version=2")
        history = self.kubectl("rollout", "history", f"deployment/{name}")
        self.assertRegex(history, r"(?m)^1\s")
        self.assertRegex(history, r"(?m)^2\s")
        self.kubectl("rollout", "undo", f"deployment/{name}")
        self.kubectl("rollout", "status", f"deployment/{name}", "--timeout=90s")
        self.assertEqual(self.deployed_image(name), "pinnace/hello:1")
        self.kubectl("rollout", "undo", f"deployment/{name}", "--to-revision=2")
        self.kubectl("rollout", "status", f"deployment/{name}", "--timeout=90s")
        self.assertEqual(self.deployed_image(name), "pinnace/hello:2")

    def deployed_image(self, name):
        return self.get("deployment", name)["spec"]["template"]["spec"]["containers"][0]["image"]

    def visit_during(self, url, action):
        """Visits the URL without a pause while the action runs; every visit must be answered."""
        answers, stop = [], threading.Event()

        def visit():
            while not stop.is_set():
                result = self.cluster.inside(["curl", "-sS", "--max-time", "5", url], check=False)
                answers.append(result.stdout if result.returncode == 0
                               else f"failed: {result.stderr}")
        visitor = threading.Thread(target=visit)
        visitor.start()
        try:
            action()
        finally:
            stop.set()
            visitor.join()
        failed = [answer for answer in answers if "Hello World!" not in answer]
        self.assertEqual(failed, [], f"of {len(answers)} requests")
        self.assertGreater(len(answers), 5)
        return answers

    def test_deployment_of_apps_v1_rolls_without_failed_requests(self):
        self.check_rollouts("apps/v1", selector=True)

    def test_deployment_of_extensions_v1beta1_without_selector(self):
        self.check_rollouts("extensions/v1beta1", selector=False)

    def test_deployment_pauses_and_is_edited(self):
        name = "helloworld-deployment"
        self.apply(deployment(replicas=1))
        self.kubectl("rollout", "status", f"deployment/{name}", "--timeout=90s")
        self.kubectl("rollout", "pause", f"deployment/{name}")
        self.kubectl("set", "image", f"deployment/{name}", "k8s-demo=pinnace/hello:2")
        eventually(lambda: (d := self.get("deployment", name)) and
                   d["status"]["observedGeneration"] == d["metadata"]["generation"], "observed")
        self.assertEqual(len(self.get("rs")["items"]), 1)
        self.kubectl("rollout", "resume", f"deployment/{name}")
        self.kubectl("rollout", "status", f"deployment/{name}", "--timeout=90s")
        editor = os.path.join(self.cluster.directory, "editor")
        with open(editor, "w") as file:
            file.write('#!/bin/sh\nsed -i "s/replicas: 1/replicas: 2/" "$1"\n')
        os.chmod(editor, 0o755)
        self.kubectl("edit", f"deployment/{name}", env={**os.environ, "EDITOR": editor})
        self.wait_ready("app=web", 2)

    # ------------------------------------------------------------------ probes, configuration

    def test_liveness_restarts_and_readiness_gates(self):
        probe = {"httpGet": {"path": "/healthz", "port": "nodejs-port"}, "periodSeconds": 1,
                 "failureThreshold": 1}
        self.apply(pod(containers=[container(readinessProbe=probe, livenessProbe={
            **probe, "failureThreshold": 6})]), service("probed", "helloworld"))
        ready = self.wait_ready("app=helloworld")[0]
        eventually(lambda: self.get("endpoints", "probed")["subsets"][0]["addresses"], "endpoints")
        self.curl(f"http://{ready['status']['podIP']}:3000/fail")
        eventually(lambda: self.get("endpoints", "probed")["subsets"][0].get("notReadyAddresses"),
                   "readiness takes the pod out of the service")
        eventually(lambda: self.get("pod", POD_NAME)["status"]["containerStatuses"][0]
                   ["restartCount"] >= 1, "liveness restarts the container")
        self.wait_ready("app=helloworld")
        described = self.kubectl("describe", "pod", POD_NAME)
        self.assertIn("Unhealthy", described)

    def test_secrets_and_config_maps_as_environment_and_files(self):
        path = os.path.join(self.cluster.directory, "username.txt")
        with open(path, "w") as file:
            file.write("root")
        self.kubectl("create", "secret", "generic", "db", f"--from-file=username={path}",
                     "--from-literal=password=S!B*d$zDsb")
        self.kubectl("create", "configmap", "app", "--from-literal=driver=jdbc")
        self.apply(pod(containers=[container(
            env=[{"name": "SECRET_USERNAME",
                  "valueFrom": {"secretKeyRef": {"name": "db", "key": "username"}}},
                 {"name": "DRIVER",
                  "valueFrom": {"configMapKeyRef": {"name": "app", "key": "driver"}}},
                 {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                 {"name": "BOTH", "value": "$(SECRET_USERNAME)@$(DRIVER)"}],
            volumeMounts=[{"name": "creds", "mountPath": "/etc/creds", "readOnly": True},
                          {"name": "conf", "mountPath": "/etc/conf"}])],
            volumes=[{"name": "creds", "secret": {"secretName": "db"}},
                     {"name": "conf", "configMap": {"name": "app"}}]))
        ready = self.wait_ready("app=helloworld")[0]
        base = f"http://{ready['status']['podIP']}:3000"
        self.assertEqual(self.curl(base + "/env/BOTH"), "root@jdbc\n")
        self.assertIn(f"pod={POD_NAME}", self.curl(base + "/"))
        self.assertEqual(self.kubectl("exec", POD_NAME, "--", "cat", "/etc/creds/password"),
                         "S!B*d$zDsb")
        self.kubectl("patch", "configmap", "app", "-p", '{"data":{"driver":"odbc"}}')
        eventually(lambda: self.kubectl("exec", POD_NAME, "--", "cat", "/etc/conf/driver") == "odbc",
                   "the mounted file follows the ConfigMap")

    # ------------------------------------------------------------------ nodes

    def node(self):
        return self.get("nodes")["items"][0]["metadata"]["name"]

    def test_node_selector_taint_cordon_and_drain(self):
        node = self.node()
        self.addCleanup(self.kubectl, "label", "nodes", node, "hardware-", check=False)
        self.addCleanup(self.kubectl, "taint", "nodes", node, "type-", check=False)
        self.addCleanup(self.kubectl, "uncordon", node, check=False)
        self.apply(deployment(replicas=1, nodeSelector={"hardware": "high-spec"}))
        message = eventually(lambda: [
            condition["message"] for each in self.get("pods")["items"]
            for condition in each["status"].get("conditions", [])
            if condition.get("reason") == "Unschedulable"], "an unschedulable pod")[0]
        self.assertIn("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector",
                      message)
        self.kubectl("label", "nodes", node, "hardware=high-spec")
        self.wait_ready("app=web", 1)
        self.kubectl("taint", "nodes", node, "type=specialnode:NoSchedule")
        self.apply(pod())
        eventually(lambda: "untolerated taint" in self.kubectl("describe", "pod", POD_NAME),
                   "the taint is named")
        self.kubectl("taint", "nodes", node, "type-")
        self.wait_ready("app=helloworld")
        self.kubectl("cordon", node)
        self.assertIn("SchedulingDisabled", self.kubectl("get", "nodes"))
        self.kubectl("drain", node, "--force", "--ignore-daemonsets", "--delete-emptydir-data")
        self.wait_gone("pod", POD_NAME)
        self.kubectl("uncordon", node)
        self.wait_ready("app=web", 1)

    def test_names_resolve_inside_pods(self):
        self.apply(pod(name="tool", labels={"app": "tool"}, containers=[
            {"name": "tool", "image": "pinnace/toolbox:1", "command": ["sleep", "3600"]}]))
        self.apply(deployment(replicas=1), service("web", "web"),
                   service("headless", "web", clusterIP="None", type="ClusterIP",
                           ports=[{"port": 3000, "name": "http"}]))
        self.wait_ready("app=tool")
        backend = self.wait_ready("app=web")[0]
        address = self.get("service", "web")["spec"]["clusterIP"]
        for name in ("web", "web.default", "web.default.svc", "web.default.svc.cluster.local"):
            def lookup():
                found = self.kubectl("exec", "tool", "--", "wget", "-qO-", f"http://{name}:31001/")
                return "Hello World!" in found
            eventually(lookup, f"{name} resolves")
        looked_up = self.kubectl("exec", "tool", "--", "nslookup", "web.default.svc.cluster.local")
        self.assertIn(address, looked_up)
        eventually(lambda: backend["status"]["podIP"] in self.kubectl(
            "exec", "tool", "--", "nslookup", "headless.default.svc.cluster.local"),
            "a headless service resolves to its pods")
        self.assertRegex(self.kubectl("exec", "tool", "--", "cat", "/etc/resolv.conf"),
                         r"search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local")

    def test_everything_is_deleted_by_file(self):
        path = os.path.join(self.cluster.directory, "all.json")
        with open(path, "w") as file:
            json.dump({"apiVersion": "v1", "kind": "List",
                       "items": [pod(), deployment(replicas=1), service("web", "web")]}, file)
        self.kubectl("create", "-f", path)
        self.wait_ready("app=helloworld")
        self.wait_ready("app=web")
        self.kubectl("delete", "-f", path)
        self.wait_gone("pods,deployments,replicasets")
        self.assertNotIn("web", self.kubectl("get", "services,endpoints,endpointslices"))


class HelloSessionWithOlderKubectl(HelloSession):
    """The same with kubectl 1.30.0."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kubectl_name = harness.KUBECTLS[1]


if __name__ == "__main__":
    harness.main()

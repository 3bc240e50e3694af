#!/usr/bin/env python3
"""What a pod may be made of: init containers, hooks, probes, volumes, limits; and how it ends."""
import base64
import json
import os

import harness
from harness import NODE_IP, eventually

TOOLBOX = "pinnace/toolbox:1"


def shell(name, script, **more):
    return {"name": name, "image": TOOLBOX, "command": ["sh", "-c", script], **more}


def pod(name, *containers, **spec):
    spec.setdefault("terminationGracePeriodSeconds", 1)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {
                "name": name, "labels": {"app": name}, "annotations": {"note": "kept"}},
            "spec": {"containers": list(containers), **spec}}


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def der(tag, content):
    """One element of a signature or a key in ASN.1; none of them is long."""
    return bytes([tag, len(content)]) + content


def is_signed_by(key, signature, signed, directory):
    """Whether openssl says so; the key is a JWK for ES256."""
    path = lambda name: os.path.join(directory, name)
    point = b"\0\x04" + from_base64url(key["x"]) + from_base64url(key["y"])
    p256 = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    numbers = [int.from_bytes(half, "big") for half in (signature[:32], signature[32:])]
    integers = [der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))
                for number in numbers]
    files = {"key": der(0x30, p256 + der(0x03, point)), "signed": signed,
             "signature": der(0x30, b"".join(integers))}
    for name, content in files.items():
        with open(path(name), "wb") as file:
            file.write(content)
    return harness.run(["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", path("key"),
                        "-signature", path("signature"), path("signed")],
                       check=False).returncode == 0


class Pods(harness.ClusterTest):
    def setUp(self):
        self.addCleanup(self.kubectl, "delete", "all", "--all", "--now", timeout=120)

    def run_to_end(self, name, container, phase="Succeeded"):
        self.apply(pod(name, container, restartPolicy="Never"))
        return eventually(lambda: (now := self.get("pod", name)) and
                          now["status"]["phase"] == phase and now, f"{name} is {phase}")

    def test_init_containers_and_a_sidecar_come_first_and_in_order(self):
        work = [{"name": "data", "mountPath": "/data"}]
        self.apply(pod("ordered", shell("main", "cat /data/log; sleep 1000", volumeMounts=work),
                       initContainers=[
                           shell("first", "echo first >> /data/log", volumeMounts=work),
                           shell("beside", "echo beside >> /data/log; sleep 1000",
                                 restartPolicy="Always", volumeMounts=work,
                                 # Waits for its own line, and is not started anew on a slow machine.
                                 startupProbe={"exec": {"command": ["grep", "beside", "/data/log"]},
                                               "periodSeconds": 1, "failureThreshold": 90}),
                           shell("last", "echo last >> /data/log", volumeMounts=work)],
                       volumes=[{"name": "data", "emptyDir": {}}]))
        self.wait_ready("app=ordered")
        eventually(lambda: self.kubectl("logs", "ordered", "-c", "main") == "first\nbeside\nlast\n",
                   "the order in which they ran")
        self.assertIn("2/2", self.kubectl("get", "pod", "ordered"))

    def test_a_failing_init_container_is_shown(self):
        self.apply(pod("stuck", shell("main", "sleep 1000"),
                       initContainers=[shell("first", "exit 3")]))
        eventually(lambda: "Init:CrashLoopBackOff" in self.kubectl("get", "pod", "stuck"),
                   "Init:CrashLoopBackOff")

    def test_hooks_run_and_the_grace_period_ends(self):
        path = os.path.join(self.cluster.directory, "hooks")
        os.makedirs(path, exist_ok=True)
        mounts = [{"name": "host", "mountPath": "/host"}]
        self.apply(pod("hooked", shell(
            "main", "trap 'echo term >> /host/log; exit 0' TERM; while :; do sleep 0.1; done",
            volumeMounts=mounts, lifecycle={
                "postStart": {"exec": {"command": ["sh", "-c", "echo started >> /host/log"]}},
                "preStop": {"exec": {"command": ["sh", "-c", "echo stopping >> /host/log"]}}}),
            terminationGracePeriodSeconds=20,
            volumes=[{"name": "host", "hostPath": {"path": path, "type": "Directory"}}]))
        self.wait_ready("app=hooked")
        self.kubectl("delete", "pod", "hooked")
        with open(os.path.join(path, "log")) as file:
            self.assertEqual(file.read().split(), ["started", "stopping", "term"])

    def test_probes_by_exec_and_tcp(self):
        self.apply(pod("probed", {
            "name": "main", "image": "pinnace/hello:1",
            "startupProbe": {"tcpSocket": {"port": 3000}, "periodSeconds": 1},
            "readinessProbe": {"exec": {"command": ["ls", "/tmp/ready"]}, "periodSeconds": 1}}))
        eventually(lambda: self.get("pod", "probed")["status"]["containerStatuses"][0]["started"],
                   "started by the TCP probe")
        self.assertIn("0/1", self.kubectl("get", "pod", "probed"))
        self.kubectl("exec", "probed", "--", "sh", "-c", "echo > /tmp/ready")
        self.wait_ready("app=probed")

    def test_the_issuer_of_its_token_is_discovered(self):
        """With nothing but what the pod has: a token, and the authority of the API server."""
        self.kubectl("create", "serviceaccount", "discoverer")
        self.kubectl("create", "clusterrolebinding", "discoverer",
                     "--clusterrole=system:service-account-issuer-discovery",
                     "--serviceaccount=default:discoverer")
        self.addCleanup(self.kubectl, "delete", "clusterrolebinding/discoverer",
                        "serviceaccount/discoverer")
        token = {"serviceAccountToken": {"path": "token", "audience": "oidc-discovery-test",
                                         "expirationSeconds": 600}}
        self.apply(pod("knowing", shell("main", "sleep 1000", volumeMounts=[
            {"name": "own", "mountPath": "/own"}]), serviceAccountName="discoverer",
            volumes=[{"name": "own", "projected": {"sources": [token]}}]))
        self.wait_ready("app=knowing")
        read = lambda path: self.kubectl("exec", "knowing", "--", "cat", path)
        account = "/var/run/secrets/kubernetes.io/serviceaccount/"
        authority = os.path.join(self.cluster.directory, "authority-in-pod")
        with open(authority, "w") as file:
            file.write(read(account + "ca.crt"))

        def fetch(url):
            """As a client that has only the pod's credentials; the names are those of the URL."""
            return json.loads(self.curl(url, "--fail", "--cacert", authority, "--connect-to",
                                        f"::127.0.0.1:{self.cluster.port}", "-H",
                                        "Authorization: Bearer " + read(account + "token")))

        signed, _, signature = read("/own/token").rpartition(".")
        head, claims = (json.loads(from_base64url(part)) for part in signed.split("."))
        found = fetch(claims["iss"] + "/.well-known/openid-configuration")
        self.assertEqual(found["issuer"], claims["iss"])
        self.assertIn(head["alg"], found["id_token_signing_alg_values_supported"])
        key, = (key for key in fetch(found["jwks_uri"])["keys"] if key["kid"] == head["kid"])
        self.assertEqual((key["alg"], key["use"], key["crv"]), ("ES256", "sig", "P-256"))
        signature = from_base64url(signature)
        place = self.cluster.directory
        self.assertTrue(is_signed_by(key, signature, signed.encode(), place))
        self.assertFalse(is_signed_by(key, signature, signed.encode() + b"x", place))
        self.assertEqual(claims["aud"], ["oidc-discovery-test"])
        self.assertEqual(claims["sub"], "system:serviceaccount:default:discoverer")

    def test_the_downward_api_and_projected_volumes(self):
        self.apply(pod("told", shell(
            "main", "cat /down/note; echo; cat /down/cpu; echo; test -s /all/token && echo token; "
            "echo \"$NODE_IP|$LIMIT|$SAID\"; sleep 1000",
            env=[{"name": "NODE_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
                 {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {
                     "resource": "limits.memory", "divisor": "1Mi"}}},
                 {"name": "SAID", "value": "$(LIMIT) $$(LIMIT) $(NOBODY)"}],
            resources={"limits": {"memory": "64Mi", "cpu": "250m"}},
            volumeMounts=[{"name": "down", "mountPath": "/down"},
                          {"name": "all", "mountPath": "/all"}]),
            volumes=[{"name": "down", "downwardAPI": {"items": [
                          {"path": "note", "fieldRef": {"fieldPath": "metadata.annotations['note']"}},
                          {"path": "cpu", "resourceFieldRef": {
                              "containerName": "main", "resource": "limits.cpu", "divisor": "1m"}}]}},
                     {"name": "all", "projected": {"sources": [
                         {"serviceAccountToken": {"path": "token", "audience": "somebody"}},
                         {"configMap": {"name": "kube-root-ca.crt"}}]}}]))
        ready = self.wait_ready("app=told")[0]
        self.assertEqual(ready["status"]["qosClass"], "Guaranteed")
        eventually(lambda: self.kubectl("logs", "told").splitlines() ==
                   ["kept", "250", "token", f"{NODE_IP}|64|64 $(LIMIT) $(NOBODY)"],
                   "what the pod was told")
        self.assertIn("BEGIN CERTIFICATE", self.kubectl("exec", "told", "--", "cat", "/all/ca.crt"))

    def test_ended_pods_say_how(self):
        done = self.run_to_end("failing", shell(
            "main", "echo why > /dev/termination-log; exit 42"), phase="Failed")
        ended = done["status"]["containerStatuses"][0]["state"]["terminated"]
        self.assertEqual((ended["exitCode"], ended["reason"], ended["message"]),
                         (42, "Error", "why\n"))
        self.assertEqual(self.run_to_end("fine", shell("main", "true"))["status"]
                         ["containerStatuses"][0]["state"]["terminated"]["reason"], "Completed")

    def test_owners_take_their_pods_along_or_leave_them(self):
        controller = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "owner"},
                      "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "owned"}},
                               "template": {"metadata": {"labels": {"app": "owned"}},
                                            "spec": pod("x", shell("main", "sleep 1000"))["spec"]}}}
        self.apply(controller)
        self.wait_ready("app=owned", 2)
        self.kubectl("delete", "rs", "owner", "--cascade=orphan")
        self.wait_ready("app=owned", 2)
        self.assertNotIn("ownerReferences", self.get("pods", "-l", "app=owned")["items"][0]
                         ["metadata"])
        self.apply(controller)  # Adopts them.
        eventually(lambda: all("ownerReferences" in each["metadata"] for each in
                               self.get("pods", "-l", "app=owned")["items"]), "adopted")
        self.kubectl("delete", "rs", "owner", "--cascade=foreground")
        self.assertEqual(self.get("pods", "-l", "app=owned")["items"], [])

    def test_a_namespace_takes_everything_along(self):
        self.kubectl("create", "namespace", "short-lived")
        self.apply(pod("inside", shell("main", "sleep 1000")),
                   {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
                    "spec": {"type": "ExternalName", "externalName": "example.com"}},
                   namespace="short-lived")
        self.wait_ready("app=inside", namespace="short-lived")
        self.kubectl("delete", "namespace", "short-lived", timeout=120)
        self.assertIn("NotFound", self.kubectl_fails("get", "pods", "inside", "-n", "short-lived"))

    def test_limits_hold_and_the_host_network_is_the_nodes(self):
        self.apply(pod("limited", shell("main", "sleep 1000", resources={
            "requests": {"cpu": "100m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}}),
            hostNetwork=True))
        ready = self.wait_ready("app=limited")[0]
        self.assertEqual(ready["status"]["podIP"], NODE_IP)
        limit = self.kubectl("exec", "limited", "--", "sh", "-c",
                             "cat /sys/fs/cgroup/memory/memory.limit_in_bytes "
                             "/sys/fs/cgroup/memory.max 2>/dev/null || true")
        self.assertEqual(limit.split()[0], str(32 << 20))


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
"""What a server must refuse, and that a refusal changes nothing."""
import json

import harness
from harness import eventually

PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def pod(name="web", **container):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"name": "c", "image": "pinnace/toolbox:1",
                                     "command": ["sleep", "3600"], **container}]}}


def config_map(name="m", **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(name="web", label="web", selector="web"):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": selector}},
                     "template": {"metadata": {"labels": {"app": label}},
                                  "spec": pod()["spec"]}}}


class BadInput(harness.ClusterTest):
    def assert_nothing(self, path):
        code, text = self.request("GET", path)
        self.assertEqual(code, 200)
        items = [item["metadata"]["name"] for item in json.loads(text)["items"]
                 if item["metadata"]["name"] != "kube-root-ca.crt"]
        self.assertEqual(items, [])

    # ------------------------------------------------------------------ bodies

    def test_malformed_json(self):
        code, reason, _ = self.status_of("POST", MAPS, '{"kind":')
        self.assertEqual((code, reason), (400, "BadRequest"))
        self.assert_nothing(MAPS)

    def test_malformed_yaml(self):
        code, reason, message = self.status_of("POST", MAPS, "a: [b\nc: d: e",
                                               "application/yaml")
        self.assertEqual((code, reason), (400, "BadRequest"))
        self.assertIn("yaml", message)

    def test_malformed_protobuf(self):
        for body in (b"", b"k8s", b"k8s\0\xff\xff\xff\xff", b"not protobuf"):
            code, reason, _ = self.status_of("POST", MAPS, body,
                                             "application/vnd.kubernetes.protobuf")
            self.assertEqual((code, reason), (400, "BadRequest"))
        self.assert_nothing(MAPS)

    def test_an_unknown_media_type(self):
        code, reason, _ = self.status_of("POST", MAPS, "<a/>", "application/xml")
        self.assertEqual((code, reason), (415, "UnsupportedMediaType"))

    def test_unknown_and_duplicate_fields_are_all_named(self):
        body = ('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","name":"n"},'
                '"spec":{},"dta":{}}')
        code, reason, message = self.status_of("POST", MAPS + "?fieldValidation=Strict", body)
        self.assertEqual((code, reason), (400, "BadRequest"))
        for part in ("strict decoding error", 'unknown field "spec"', 'unknown field "dta"',
                     'duplicate field "metadata.name"'):
            self.assertIn(part, message)
        self.assert_nothing(MAPS)

    def test_wrong_types(self):
        wrong = deployment()
        wrong["spec"]["replicas"] = "three"
        code, reason, message = self.status_of("POST", DEPLOYMENTS, wrong)
        self.assertEqual((code, reason), (400, "BadRequest"))
        self.assertIn("cannot unmarshal string", message)
        self.assertIn("spec.replicas", message)
        self.assert_nothing(DEPLOYMENTS)

    def test_names_that_are_none(self):
        code, reason, message = self.status_of("POST", MAPS, config_map("No_Name"))
        self.assertEqual((code, reason), (422, "Invalid"))
        self.assertIn("a lowercase RFC 1123 subdomain must consist of", message)
        code, reason, message = self.status_of(
            "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace",
                                           "metadata": {"name": "a.b"}})
        self.assertEqual((code, reason), (422, "Invalid"))
        self.assertIn("must not contain dots", message)

    def test_a_body_that_is_too_large(self):
        code, reason, _ = self.status_of("POST", MAPS, config_map(data="x" * (4 << 20)))
        self.assertEqual((code, reason), (413, "RequestEntityTooLarge"))
        self.assert_nothing(MAPS)

    def test_nesting_that_is_too_deep(self):
        body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":' + \
            '{"a":' * 10000 + "1" + "}" * 10001
        code, reason, _ = self.status_of("POST", MAPS, body)
        self.assertEqual((code, reason), (400, "BadRequest"))
        code, reason, _ = self.status_of("POST", MAPS, "[" * 10000, "application/yaml")
        self.assertEqual((code, reason), (400, "BadRequest"))

    def test_an_alias_bomb(self):
        lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
        for level in range(1, 12):
            lines.append(f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * 10) + "]")
        code, reason, _ = self.status_of("POST", MAPS, "\n".join(lines), "application/yaml")
        self.assertEqual((code, reason), (400, "BadRequest"))

    # ------------------------------------------------------------------ rules between fields

    def test_a_selector_that_does_not_match_the_template(self):
        code, reason, message = self.status_of("POST", DEPLOYMENTS, deployment(selector="other"))
        self.assertEqual((code, reason), (422, "Invalid"))
        self.assertIn("`selector` does not match template `labels`", message)
        self.assert_nothing(DEPLOYMENTS)

    def test_immutable_fields(self):
        self.apply(pod("fixed"))
        code, reason, message = self.status_of(
            "PATCH", PODS + "/fixed", {"spec": {"hostNetwork": True}},
            "application/merge-patch+json")
        self.assertEqual((code, reason), (422, "Invalid"))
        self.assertIn("pod updates may not change fields other than", message)
        code, text = self.request("GET", PODS + "/fixed")
        self.assertNotIn("hostNetwork", json.loads(text)["spec"])
        self.kubectl("delete", "pod", "fixed", "--grace-period=0", "--force")

    def test_a_stale_resource_version(self):
        self.apply(config_map("stale", a="1"))
        old = json.loads(self.request("GET", MAPS + "/stale")[1])
        self.kubectl("patch", "configmap", "stale", "-p", '{"data":{"a":"2"}}')
        old["data"]["a"] = "3"
        code, reason, message = self.status_of("PUT", MAPS + "/stale", old)
        self.assertEqual((code, reason), (409, "Conflict"))
        self.assertIn("the object has been modified; please apply your changes to the latest version",
                      message)
        self.assertEqual(json.loads(self.request("GET", MAPS + "/stale")[1])["data"]["a"], "2")
        self.kubectl("delete", "configmap", "stale")

    def test_a_node_port_that_is_taken(self):
        def service(name):
            return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                    "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 31555}]}}
        path = "/api/v1/namespaces/default/services"
        self.apply(service("first"))
        code, reason, message = self.status_of("POST", path, service("second"))
        self.assertEqual((code, reason), (422, "Invalid"))
        self.assertIn("provided port is already allocated", message)
        self.assertEqual(self.request("GET", path + "/second")[0], 404)
        self.kubectl("delete", "service", "first")

    # ------------------------------------------------------------------ who may

    def test_no_certificate_or_a_wrong_one_is_401(self):
        self.assertEqual(self.status_of("GET", PODS, identify=False)[:2], (401, "Unauthorized"))
        self.assertEqual(self.status_of("GET", PODS, identify=False,
                                        headers=["Authorization: Bearer wrong"])[:2],
                         (401, "Unauthorized"))
        files = self.credentials()
        stranger = self.cluster.directory + "/stranger"
        harness.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=admin/O=system:masters",
                     "-keyout", stranger + ".key", "-out", stranger + ".crt"])
        answer = self.cluster.inside(
            ["curl", "-sS", "--cacert", files["ca"], "--cert", stranger + ".crt", "--key",
             stranger + ".key", f"https://127.0.0.1:{self.cluster.port}{PODS}"]).stdout
        self.assertEqual(json.loads(answer)["code"], 401)

    def test_no_right_is_403(self):
        token = self.kubectl("create", "token", "default").strip()
        code, reason, message = self.status_of("GET", PODS, identify=False,
                                               headers=[f"Authorization: Bearer {token}"])
        self.assertEqual((code, reason), (403, "Forbidden"))
        self.assertEqual(message, 'pods is forbidden: User "system:serviceaccount:default:default" '
                         'cannot list resource "pods" in API group "" in the namespace "default"')

    # ------------------------------------------------------------------ pods that cannot run

    def waiting_reason(self, name):
        statuses = self.get("pod", name)["status"].get("containerStatuses", [])
        return statuses[0]["state"].get("waiting", {}).get("reason") if statuses else None

    def terminated(self, name):
        status = self.get("pod", name)["status"]["containerStatuses"][0]
        return (status["state"].get("terminated") or status["lastState"].get("terminated") or {})

    def test_an_image_that_is_not_there(self):
        self.apply(pod("missing-image", image="nowhere.invalid/none:1"))
        seen = set()

        def check():
            seen.add(self.waiting_reason("missing-image"))
            return {"ErrImagePull", "ImagePullBackOff"} <= seen
        eventually(check, "an image that cannot be pulled is named, and tried again later")
        self.kubectl("delete", "pod", "missing-image", "--grace-period=0", "--force")

    def test_a_command_that_does_not_exist(self):
        self.apply(pod("no-command", command=["/no/such/program"]))
        eventually(lambda: self.terminated("no-command").get("reason") in
                   ("StartError", "ContainerCannotRun"), "the start fails with a reason")
        self.assertIn("no such file or directory", self.terminated("no-command")["message"])
        eventually(lambda: self.waiting_reason("no-command") == "CrashLoopBackOff", "back-off")
        self.kubectl("delete", "pod", "no-command", "--grace-period=0", "--force")

    def test_a_container_that_takes_too_much_memory(self):
        self.apply(pod("hungry", command=["sh", "-c", "x=a; while true; do x=$x$x; done"],
                       resources={"limits": {"memory": "24Mi"}}))
        eventually(lambda: self.terminated("hungry").get("reason") == "OOMKilled", "OOMKilled")
        self.assertEqual(self.terminated("hungry")["exitCode"], 137)
        self.kubectl("delete", "pod", "hungry", "--grace-period=0", "--force")


if __name__ == "__main__":
    harness.main()

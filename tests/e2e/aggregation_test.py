"""Servers behind the API server: discovery, requests in the caller's name, and what happens when they
are away."""
import base64
import json
import os
import sys

from harness import NODE_IP, ROOT, ServerTest, eventually, main, run

PORT = 8443
BASE = "/apis/lights.example.com/v1"


class Aggregation(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        place = cls.cluster.directory
        cls.files = {name: os.path.join(place, name) for name in ("lights.crt", "lights.key",
                                                                   "front-proxy-ca.crt")}
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=lights", "-addext",
             "subjectAltName=DNS:lights.default.svc", "-keyout", cls.files["lights.key"], "-out",
             cls.files["lights.crt"]])

    def start_extension(self):
        config = self.get("configmap", "extension-apiserver-authentication", "-n", "kube-system")
        self.assertEqual(config["data"]["requestheader-allowed-names"], '["front-proxy-client"]')
        with open(self.files["front-proxy-ca.crt"], "w") as file:
            file.write(config["data"]["requestheader-client-ca-file"])
        process = self.cluster.popen(
            [sys.executable, os.path.join(ROOT, "tests", "e2e", "extension_server.py"), NODE_IP,
             PORT, self.files["lights.crt"], self.files["lights.key"],
             self.files["front-proxy-ca.crt"]])
        self.addCleanup(self._end, process)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def condition(self):
        found = self.get("apiservice", "v1.lights.example.com")
        conditions = found.get("status", {}).get("conditions", [])
        return [(one["status"], one["reason"]) for one in conditions if one["type"] == "Available"]

    def freshness(self):
        """(freshness, names) of the version in discovery; None where it is not there."""
        _, text = self.request("GET", "/apis", headers=[
            "Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"])
        for group in json.loads(text)["items"]:
            if group["metadata"].get("name") == "lights.example.com":
                version = group["versions"][0]
                return version["freshness"], [each["resource"] for each in version["resources"]]
        return None

    def test_requests_reach_the_server_behind(self):
        with open(self.files["lights.crt"], "rb") as file:
            authority = base64.b64encode(file.read()).decode()
        self.apply({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                    "metadata": {"name": "v1.lights.example.com"},
                    "spec": {"group": "lights.example.com", "version": "v1",
                             "groupPriorityMinimum": 2000, "versionPriority": 10,
                             "caBundle": authority,
                             "service": {"name": "lights", "namespace": "default"}}})
        eventually(lambda: self.condition() == [("False", "ServiceNotFound")], "no service yet")
        code, reason, _ = self.status_of("GET", f"{BASE}/lamps")
        self.assertEqual((code, reason), (503, "ServiceUnavailable"))
        # Clients are told that there is something of which nobody can say what it is.
        eventually(lambda: self.freshness() == ("Stale", []), "it is listed as stale")

        self.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "lights"},
                    "spec": {"ports": [{"port": 443, "targetPort": PORT}]}})
        eventually(lambda: self.condition() == [("False", "MissingEndpoints")], "no endpoints yet")
        process = self.start_extension()
        self.apply({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                    "addressType": "IPv4",
                    "metadata": {"name": "lights-1",
                                 "labels": {"kubernetes.io/service-name": "lights"}},
                    "endpoints": [{"addresses": [NODE_IP], "conditions": {"ready": True}}],
                    "ports": [{"name": "", "port": PORT}]})
        eventually(lambda: self.condition() == [("True", "Passed")], "the server is found")
        self.assertEqual(self.freshness(), ("Current", ["lamps"]))

        # kubectl finds the resource, by its short name too, and may see it in its category.
        self.assertIn("desk", self.kubectl("get", "lamps"))
        self.assertIn("desk", self.kubectl("get", "la", "desk", "-o", "name"))
        self.assertIn("lamps", self.kubectl("api-resources", "--api-group=lights.example.com"))
        self.assertIn("lights.example.com/v1", self.kubectl("api-versions"))
        _, groups = self.request("GET", "/apis/lights.example.com")
        self.assertEqual(json.loads(groups)["preferredVersion"]["version"], "v1")

        # The caller is named to it, and nothing that the caller claims to be.
        lamp = self.get("lamp", "desk")
        self.assertEqual(lamp["caller"]["user"], "kubernetes-admin")
        self.assertIn("system:masters", lamp["caller"]["groups"])
        _, text = self.request("GET", f"{BASE}/namespaces/default/lamps/desk",
                               headers=["X-Remote-User: somebody-else"])
        self.assertEqual(json.loads(text)["caller"]["user"], "kubernetes-admin")
        self.assertIsNone(json.loads(text)["caller"]["authorization"])

        # What it refuses is refused in its words; what it serves is not ours to answer.
        self.assertEqual(self.status_of("GET", f"{BASE}/namespaces/default/lamps/none"),
                         (404, "NotFound", "there is no such lamp"))
        code, text = self.request("GET", f"/openapi/v3{BASE}")
        self.assertEqual((code, json.loads(text)["info"]["title"]), (200, "Lights"))

        # Its document becomes a part of ours, and its own stays where it says.
        def document():
            return json.loads(self.request("GET", "/openapi/v2")[1])
        lamp = "com.example.lights.v1.Lamp"
        found = eventually(lambda: lamp in document()["definitions"] and document(), "it is merged")
        self.assertIn(f"{BASE}/lamps", found["paths"])
        self.assertNotIn("com.example.lights.v1.Unused", found["definitions"])
        meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
        self.assertEqual(found["definitions"][lamp]["properties"]["metadata"]["$ref"],
                         f"#/definitions/{meta}_v2")
        self.assertEqual(found["definitions"][meta + "_v2"]["description"], "Metadata of lamps.")
        self.assertIn("name", found["definitions"][meta]["properties"])
        _, index = self.request("GET", "/openapi/v3")
        self.assertEqual(json.loads(index)["paths"][BASE[1:]]["serverRelativeURL"],
                         f"/openapi/v3{BASE}?hash=LIGHTS")
        self.kubectl_name = "kubectl-v20"  # It reads the protobuf of version 2.
        self.assertRegex(self.kubectl("explain", "lamps.watts"), "How much it takes")
        self.kubectl_name = "kubectl-v35"

        # When it goes away, that is seen; its objects answer 503 and the rest goes on.
        process.terminate()
        process.wait(timeout=10)
        self.kubectl("annotate", "apiservice", "v1.lights.example.com", "look=again")
        self.kubectl("label", "endpointslice", "lights-1", "look=again")
        eventually(lambda: self.condition() == [("False", "FailedDiscoveryCheck")], "it is away")
        self.assertEqual(self.status_of("GET", f"{BASE}/lamps")[0], 503)
        self.assertEqual(self.freshness(), ("Stale", ["lamps"]))
        metrics = self.kubectl("get", "--raw", "/metrics").splitlines()
        lost = 'name="v1.lights.example.com"'
        self.assertIn("aggregator_unavailable_apiservice{%s} 1" % lost, metrics)
        self.assertIn('aggregator_unavailable_apiservice{name="v1.apps"} 0', metrics)
        self.assertIn('aggregator_unavailable_apiservice_total{%s,reason="FailedDiscoveryCheck"} 1'
                      % lost, metrics)
        self.assertTrue(any(line.startswith("workqueue_adds_total{") for line in metrics))
        self.kubectl("get", "configmaps")

        self.kubectl("delete", "apiservice", "v1.lights.example.com")
        eventually(lambda: self.request("GET", BASE)[0] == 404, "it is forgotten")

    def test_what_is_served_here_is_listed(self):
        names = self.kubectl("get", "apiservices", "-o", "name").split()
        for name in ("v1.", "v1.apps", "v1.rbac.authorization.k8s.io", "v1beta1.extensions"):
            self.assertIn("apiservice.apiregistration.k8s.io/" + name, names)
        row = self.kubectl("get", "apiservice", "v1.apps", "--no-headers").split()
        self.assertEqual(row[:3], ["v1.apps", "Local", "True"])


if __name__ == "__main__":
    main()

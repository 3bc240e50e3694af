"""Custom resources with stock clients: definition, columns, explain, apply, errors, scale, status,
conversion, and the end of it all."""
import base64
import json
import os
import sys

from harness import NODE_IP, ROOT, ServerTest, eventually, main, run

PORT = 8444


def version(name, properties, storage=True, **more):
    return {"name": name, "served": True, "storage": storage,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}}, **more}


def definition(plural, kind, versions, **spec):
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced",
                     "names": {"plural": plural, "kind": kind, "shortNames": [plural[:3]],
                               "categories": ["all"]},
                     "versions": versions, **spec}}


WIDGETS = definition("widgets", "Widget", [version(
    "v1",
    {"spec": {"type": "object", "required": ["replicas"], "properties": {
        "replicas": {"type": "integer", "minimum": 0, "maximum": 10,
                     "description": "How many there are to be."},
        "color": {"type": "string", "enum": ["red", "blue"], "default": "red"}},
        "x-kubernetes-validations": [{"rule": "self.replicas != 7", "message": "never seven"}]},
     "status": {"type": "object", "properties": {"replicas": {"type": "integer"},
                                                 "phase": {"type": "string"}}}},
    subresources={"status": {}, "scale": {"specReplicasPath": ".spec.replicas",
                                          "statusReplicasPath": ".status.replicas"}},
    additionalPrinterColumns=[
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
        {"name": "Color", "type": "string", "jsonPath": ".spec.color", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}])])


def widget(name, **spec):
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name},
            "spec": spec}


class CustomResources(ServerTest):
    def test_a_kind_from_its_definition_to_its_end(self):
        self.with_each_kubectl(self.one_life)

    def one_life(self):
        self.apply(WIDGETS)
        self.kubectl("wait", "--for=condition=Established", "crd/widgets.example.com",
                     "--timeout=30s")
        self.apply(widget("a", replicas=3), verb="apply")
        self.apply(widget("a", replicas=4), verb="apply")
        rows = self.kubectl("get", "wid").splitlines()
        self.assertEqual(rows[0].split(), ["NAME", "REPLICAS", "AGE"])
        self.assertEqual(rows[1].split()[:2], ["a", "4"])
        self.assertEqual(self.kubectl("get", "wid", "-o", "wide").splitlines()[1].split()[:3],
                         ["a", "4", "red"])
        self.assertIn("widget.example.com/a", self.kubectl("get", "all"))
        eventually(lambda: "How many there are to be." in
                   self.kubectl("explain", "widget.spec.replicas"), "the kind is explained")

        for wrong, text in [
                (widget("b", replicas=11), "spec.replicas: Invalid value: 11: spec.replicas in "
                                           "body should be less than or equal to 10"),
                (widget("b", replicas=1, color="green"), 'spec.color: Unsupported value: "green": '
                                                         'supported values: "red", "blue"'),
                (widget("b", replicas=7), "never seven"),
                (widget("b", replicas=1, nothing=1), 'unknown field "spec.nothing"')]:
            if self.kubectl_minor() < 25:  # Which looked at fields itself, by the OpenAPI document.
                text = text.replace('"spec.nothing"', '"nothing" in com.example.v1.Widget.spec')
            self.assertIn(text, self.kubectl_fails("create", "-f", "-", input=json.dumps(wrong)))

        self.kubectl("scale", "widget/a", "--replicas=2")
        self.assertEqual(self.get("widget", "a")["spec"]["replicas"], 2)
        change = '{"status":{"phase":"Up","replicas":2},"spec":{"replicas":9}}'
        if self.kubectl_minor() >= 24:  # Before, it knew no subresources.
            self.kubectl("patch", "widget", "a", "--subresource=status", "--type=merge", "-p",
                         change)
        else:
            self.request("PATCH", "/apis/example.com/v1/namespaces/default/widgets/a/status",
                         change, content_type="application/merge-patch+json")
        found = self.get("widget", "a")
        self.assertEqual((found["spec"]["replicas"], found["status"]["phase"]), (2, "Up"))
        self.assertEqual(found["metadata"]["generation"], 3)

        self.kubectl("delete", "crd", "widgets.example.com", "--timeout=60s")
        # Not in kubectl's words: it may still know the kind from its cache.
        self.assertEqual(self.request("GET", "/apis/example.com/v1/widgets")[0], 404)

    def test_a_webhook_converts_between_versions(self):
        place = self.cluster.directory
        certificate, key = (os.path.join(place, name) for name in ("hook.crt", "hook.key"))
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=hook", "-addext",
             f"subjectAltName=IP:{NODE_IP}", "-keyout", key, "-out", certificate])
        process = self.cluster.popen(
            [sys.executable, os.path.join(ROOT, "tests", "e2e", "conversion_server.py"), NODE_IP,
             PORT, certificate, key])
        self.addCleanup(self._end, process)
        self.assertEqual(process.stdout.readline(), "ready\n")
        with open(certificate, "rb") as file:
            authority = base64.b64encode(file.read()).decode()
        number = {"type": "integer"}
        self.apply(definition(
            "boxes", "Box",
            [version("v1", {"spec": {"type": "object", "properties": {"size": number}}}),
             version("v2", {"spec": {"type": "object", "properties": {"dimensions": {
                 "type": "object", "properties": {"size": number}}}}}, storage=False)],
            conversion={"strategy": "Webhook", "webhook": {
                "conversionReviewVersions": ["v1"],
                "clientConfig": {"url": f"https://{NODE_IP}:{PORT}/", "caBundle": authority}}}))
        self.kubectl("wait", "--for=condition=Established", "crd/boxes.example.com",
                     "--timeout=30s")
        base = "/apis/example.com/{}/namespaces/default/boxes"
        code, text = self.request("POST", base.format("v2"), json.dumps(
            {"apiVersion": "example.com/v2", "kind": "Box", "metadata": {"name": "b"},
             "spec": {"dimensions": {"size": 3}}}))
        self.assertEqual((code, json.loads(text)["spec"]), (201, {"dimensions": {"size": 3}}))
        _, text = self.request("GET", base.format("v1") + "/b")
        self.assertEqual(json.loads(text)["spec"], {"size": 3})
        code, text = self.request("PATCH", base.format("v2") + "/b",
                                  '{"spec":{"dimensions":{"size":5}}}',
                                  content_type="application/merge-patch+json")
        self.assertEqual((code, json.loads(text)["spec"]), (200, {"dimensions": {"size": 5}}))
        _, text = self.request("GET", base.format("v2"))
        self.assertEqual([item["spec"] for item in json.loads(text)["items"]],
                         [{"dimensions": {"size": 5}}])
        _, text = self.request("GET", base.format("v2") + "?watch=true&timeoutSeconds=1")
        self.assertEqual(json.loads(text.splitlines()[0])["object"]["spec"],
                         {"dimensions": {"size": 5}})
        self._end(process)
        code, text = self.request("GET", base.format("v2") + "/b")
        self.assertEqual(code, 500)
        self.assertIn("conversion webhook for example.com/v1, Kind=Box failed: ", text)
        self.kubectl("delete", "crd", "boxes.example.com", "--timeout=60s")


if __name__ == "__main__":
    main()

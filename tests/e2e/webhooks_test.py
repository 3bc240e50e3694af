#!/usr/bin/env python3
"""Admission webhooks as Kubernetes' own tests of them go, against a webhook that answers.

The webhook is reached by a Service and its EndpointSlice; `test_a_url` reaches it without."""
import base64
import json
import os
import sys

from harness import NODE_IP, ROOT, ServerTest, eventually, main, run

PORT = 8444
GROUP = "admissionregistration.k8s.io/v1"
SCOPE = {"matchLabels": {"webhooks": "on"}}
MARKER = {"matchLabels": {"webhook-marker": "yes"}}
BAD = {"webhook-e2e-test": "webhook-disallow"}
START = {"mutation-start": "yes"}
STAGE = {"mutation-stage-1": "yes"}


def rule(resource, *operations, group="", version="v1"):
    return {"apiGroups": [group], "apiVersions": [version] if isinstance(version, str) else version,
            "resources": [resource], "operations": list(operations)}


def config_map(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata},
            "data": data or {}}


def pod(name, container="main", **metadata):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata},
            "spec": {"containers": [{"name": container, "image": "pause"}]}}


def definition(plural, properties=None, stored="v1", **metadata):
    """Two versions; whatever is in `data` is kept unless `properties` says what is there."""
    data = {"type": "object", "properties": properties} if properties else {
        "type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"data": data}}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.hooks.example.com", **metadata},
            "spec": {"group": "hooks.example.com", "scope": "Namespaced",
                     "names": {"plural": plural, "kind": plural[:-1].capitalize()},
                     "versions": [{"name": name, "served": True, "storage": name == stored,
                                   "schema": schema} for name in ("v1", "v2")]}}


class Webhooks(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_webhook()

    @classmethod
    def start_webhook(cls):
        """A server whose certificate an authority of our own has signed."""
        place = cls.cluster.directory
        path = lambda name: os.path.join(place, name)
        with open(path("names"), "w") as file:
            file.write(f"subjectAltName=DNS:hook.default.svc,IP:{NODE_IP}\n")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        run(["openssl", "req", "-x509", *key, "-days", "2", "-subj", "/CN=hooks' authority",
             "-keyout", path("hook-ca.key"), "-out", path("hook-ca.crt")])
        run(["openssl", "req", *key, "-subj", "/CN=hook", "-keyout", path("hook.key"), "-out",
             path("hook.csr")])
        run(["openssl", "x509", "-req", "-in", path("hook.csr"), "-days", "2", "-extfile",
             path("names"), "-CA", path("hook-ca.crt"), "-CAkey", path("hook-ca.key"),
             "-CAcreateserial", "-out", path("hook.crt")])
        process = cls.cluster.popen(
            [sys.executable, os.path.join(ROOT, "tests", "e2e", "webhook_server.py"), NODE_IP, PORT,
             path("hook.crt"), path("hook.key")])
        cls.addClassCleanup(cls._end, process)
        if process.stdout.readline() != "ready\n":
            raise AssertionError("the webhook does not start: " + process.stderr.read())
        with open(path("hook-ca.crt"), "rb") as file:
            cls.authority = base64.b64encode(file.read()).decode()

    def setUp(self):
        self.addCleanup(self.remove_all)
        self.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook"},
                    "spec": {"ports": [{"port": 8443, "targetPort": PORT}]}},
                   {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                    "addressType": "IPv4",
                    "metadata": {"name": "hook-1",
                                 "labels": {"kubernetes.io/service-name": "hook"}},
                    "endpoints": [{"addresses": [NODE_IP], "conditions": {"ready": True}}],
                    "ports": [{"name": "", "port": PORT}]})
        self.kubectl("create", "namespace", "hooked")
        self.kubectl("create", "namespace", "markers")
        self.kubectl("label", "namespace", "hooked", "webhooks=on")
        eventually(lambda: self.kubectl("get", "sa", "default", "-n", "hooked"), "an account")

    def remove_all(self):
        for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations", "crd"):
            self.kubectl("delete", kind, "--all")
        self.kubectl("delete", "service/hook", "endpointslice/hook-1")
        self.kubectl("delete", "namespace", "hooked", "markers", "skipped", "--ignore-not-found")

    # ------------------------------------------------------------------ webhooks

    def hook(self, path, *rules, **more):
        """One webhook, called at a path of the Service for what is in a namespace with our label."""
        service = {"name": "hook", "namespace": "default", "path": path, "port": 8443}
        return {"name": f"{path.strip('/').replace('/', '-')}.k8s.io", "sideEffects": "None",
                "admissionReviewVersions": ["v1", "v1beta1"], "rules": list(rules),
                "namespaceSelector": SCOPE,
                "clientConfig": {"caBundle": self.authority, "service": service}, **more}

    def configuration(self, kind, name, *hooks, **metadata):
        """With a webhook that denies markers, as one sees that the configuration is in force."""
        marker = self.hook("/always-deny", rule("configmaps", "CREATE"), name="marker.k8s.io",
                           objectSelector=MARKER,
                           namespaceSelector={"matchLabels": {
                               "kubernetes.io/metadata.name": "markers"}})
        return {"apiVersion": GROUP, "kind": kind + "WebhookConfiguration",
                "metadata": {"name": name, **metadata}, "webhooks": [*hooks, marker]}

    def register(self, kind, *hooks, name="under-test"):
        self.apply(self.configuration(kind, name, *hooks))
        self.wait_in_force()

    def wait_in_force(self):
        marker = config_map("marker", namespace="markers", labels=MARKER["matchLabels"])
        def is_denied():
            return "denied" in self.cluster.inside(
                self.kubectl_argv("create", "--dry-run=server", "-f", "-"), check=False,
                input=json.dumps(marker)).stderr
        eventually(is_denied, "the webhooks are in force")

    def create(self, thing, namespace="hooked"):
        """What is created, as the server answers it."""
        return json.loads(self.kubectl("create", "-n", namespace, "-o", "json", "-f", "-",
                                       input=json.dumps(thing)))

    def refused(self, thing, *texts, verb="create", namespace="hooked"):
        said = self.kubectl_fails(verb, "-n", namespace, "-f", "-", input=json.dumps(thing))
        for text in texts:
            self.assertIn(text, said)
        return said

    def establish(self, thing):
        self.apply(thing)
        self.kubectl("wait", "--for=condition=Established", "crd/" + thing["metadata"]["name"],
                     "--timeout=30s")

    # ------------------------------------------------------------------ denying

    def test_pods_and_config_maps_are_denied(self):
        unskipped = {"matchLabels": SCOPE["matchLabels"], "matchExpressions": [
            {"key": "skip-webhooks", "operator": "NotIn", "values": ["yes"]}]}
        self.register(
            "Validating", self.hook("/pods", rule("pods", "CREATE"), timeoutSeconds=5),
            self.hook("/configmaps", rule("configmaps", "CREATE", "UPDATE"),
                      namespaceSelector=unskipped),
            # Nobody is there, but that does not matter.
            self.hook("/configmaps", rule("configmaps", "CREATE"), name="fail-open.k8s.io",
                      failurePolicy="Ignore", clientConfig={
                          "url": f"https://{NODE_IP}:1/configmaps"}))
        self.refused(pod("disallowed", "webhook-disallow", labels=BAD),
                     'admission webhook "pods.k8s.io" denied the request',
                     "the pod contains unwanted container name", "the pod contains unwanted label")
        self.refused(pod("hanging", labels={"webhook-e2e-test": "wait-forever"}), "webhook",
                     "deadline")
        self.assertIn("NotFound", self.kubectl_fails("get", "pod", "hanging", "-n", "hooked"))
        unwanted = "the configmap contains unwanted key and value"
        self.refused(config_map("disallowed", BAD), unwanted)
        self.create(config_map("allowed", {"admit": "this"}))
        self.refused(config_map("allowed", {"admit": "this", **BAD}), unwanted, verb="replace")
        self.assertIn(unwanted, self.kubectl_fails("patch", "configmap", "allowed", "-n", "hooked",
                                                   "-p", json.dumps({"data": BAD})))
        self.kubectl("create", "namespace", "skipped")
        self.kubectl("label", "namespace", "skipped", "webhooks=on", "skip-webhooks=yes")
        self.create(config_map("disallowed", BAD), namespace="skipped")

    def test_attaching_to_a_pod_is_denied(self):
        self.register("Validating", self.hook("/pods/attach", rule("pods/attach", "CONNECT")))
        self.create(pod("to-be-attached-pod", "container1"))
        self.kubectl("patch", "pod", "to-be-attached-pod", "-n", "hooked", "--subresource=status",
                     "-p", json.dumps({"status": {"phase": "Running"}}))
        self.assertIn("attaching to pod 'to-be-attached-pod' is not allowed",
                      self.kubectl_fails("attach", "to-be-attached-pod", "-n", "hooked", "-i",
                                         "-c=container1"))

    def test_custom_resources_are_denied(self):
        self.establish(definition("notes"))
        self.register("Validating", self.hook("/custom-resource", rule(
            "notes", "CREATE", "UPDATE", "DELETE", group="hooks.example.com",
            version=["v1", "v2"])))
        note = lambda name, data: {"apiVersion": "hooks.example.com/v1", "kind": "Note",
                                   "metadata": {"name": name}, "data": data}
        unwanted = "the custom resource contains unwanted data"
        self.refused(note("one", BAD), unwanted)
        kept = {"webhook-e2e-test": "webhook-nondeletable"}
        self.create(note("two", kept))
        self.refused(note("two", BAD), unwanted, verb="replace")
        self.assertIn("the custom resource cannot be deleted because it contains unwanted key and "
                      "value", self.kubectl_fails("delete", "note", "two", "-n", "hooked"))
        self.kubectl("patch", "note", "two", "-n", "hooked", "--type=merge", "-p",
                     json.dumps({"data": {"webhook-e2e-test": "the-offending-value-is-gone"}}))
        self.kubectl("delete", "note", "two", "-n", "hooked")

    def test_definitions_are_denied(self):
        self.register("Validating", self.hook(
            "/crd", rule("customresourcedefinitions", "CREATE", group="apiextensions.k8s.io"),
            namespaceSelector={}, objectSelector={"matchLabels": BAD}))
        self.refused(definition("notes", labels=BAD), "the crd contains unwanted label")
        self.apply(definition("notes"))

    def test_without_an_answer_all_is_rejected(self):
        closed = self.hook("/configmaps", rule("configmaps", "CREATE"), name="fail-closed.k8s.io")
        del closed["clientConfig"]["caBundle"]  # So that its certificate is nobody's.
        self.register("Validating", closed)
        self.refused(config_map("foo"), "(InternalError)", 'failed calling webhook '
                     '"fail-closed.k8s.io": failed to call webhook: Post '
                     '"https://hook.default.svc:8443/configmaps?timeout=10s"')

    def test_configurations_are_out_of_reach(self):
        kinds = [rule(kind + "webhookconfigurations", operation, group="admissionregistration.k8s.io",
                      version="*")
                 for kind in ("validating", "mutating") for operation in ("CREATE", "DELETE")]
        self.register("Validating", self.hook("/always-deny", *kinds, namespaceSelector={}),
                      name="blocking")
        self.register("Mutating", self.hook("/add-label", *kinds, namespaceSelector={}),
                      name="labelling")
        for kind in ("Validating", "Mutating"):
            made = self.create(self.configuration(kind, "dummy", self.hook(
                "", rule("invalid", "CREATE"), name="dummy.example.k8s.io",
                failurePolicy="Ignore")))
            self.assertNotIn("labels", made["metadata"])
            self.wait_in_force()
            self.kubectl("delete", kind + "WebhookConfiguration", "dummy")

    # ------------------------------------------------------------------ mutating

    def stages(self, path, resource, *operations, **more):
        """The same webhook twice: what the first adds lets the second add more."""
        return [self.hook(path, rule(resource, *operations, **more), name=f"stage-{n}.example.k8s.io")
                for n in (1, 2)]

    def test_config_maps_are_mutated_in_order(self):
        self.register("Mutating", *self.stages("/mutating-configmaps", "configmaps", "CREATE"))
        self.assertEqual(self.create(config_map("to-be-mutated", START))["data"],
                         {**START, **STAGE, "mutation-stage-2": "yes"})

    def test_what_is_mutated_is_defaulted(self):
        self.register("Mutating", self.hook("/mutating-pods", rule("pods", "CREATE")))
        added, = self.create(pod("webhook-to-be-mutated"))["spec"]["initContainers"]
        self.assertEqual(added["name"], "webhook-added-init-container")
        self.assertEqual(added["terminationMessagePolicy"], "File")
        self.assertEqual(added["imagePullPolicy"], "Always")

    def mutate_custom_resource(self, plural, properties, wanted):
        self.establish(definition(plural, properties))
        self.register("Mutating", *self.stages("/mutating-custom-resource", plural, "CREATE",
                                               "UPDATE", group="hooks.example.com",
                                               version=["v1", "v2"]))
        made = self.create({"apiVersion": "hooks.example.com/v1", "kind": plural[:-1].capitalize(),
                            "metadata": {"name": "one"}, "data": START})
        self.assertEqual(made["data"], wanted)

    def test_custom_resources_are_mutated(self):
        self.mutate_custom_resource("notes", None, {**START, **STAGE, "mutation-stage-2": "yes"})

    def test_what_a_webhook_adds_to_a_custom_resource_is_pruned(self):
        text = {"type": "string"}
        self.mutate_custom_resource("notes", {"mutation-start": text, "mutation-stage-1": text},
                                    {**START, **STAGE})

    def test_a_custom_resource_whose_stored_version_changes(self):
        self.mutate_custom_resource("notes", None, {**START, **STAGE, "mutation-stage-2": "yes"})
        self.apply(definition("notes", stored="v2"), verb="apply")
        eventually(lambda: self.get("crd", "notes.hooks.example.com")["status"]["storedVersions"] ==
                   ["v1", "v2"], "both versions are stored")
        self.kubectl("patch", "notes.v1.hooks.example.com", "one", "-n", "hooked", "--type=merge",
                     "-p", json.dumps({"data": {"dummy": "test"}}))
        self.assertEqual(self.get("notes.v2.hooks.example.com", "one", "-n", "hooked")["data"],
                         {**START, **STAGE, "mutation-stage-2": "yes", "dummy": "test"})

    def test_conditions_choose_what_is_mutated(self):
        self.register("Mutating", self.hook(
            "/mutating-configmaps", rule("configmaps", "CREATE"),
            matchConditions=[{"name": "skip-me", "expression": "object.metadata.name != 'skip-me'"}]))
        self.assertEqual(self.create(config_map("skip-me", START))["data"], START)
        self.assertEqual(self.create(config_map("mutate-me", START))["data"], {**START, **STAGE})

    # ------------------------------------------------------------------ configurations change

    def test_a_timeout_is_honored(self):
        hook = self.hook("/slow", rule("configmaps", "CREATE"))  # Answers after three seconds.
        self.register("Validating", {**hook, "timeoutSeconds": 1})
        self.refused(config_map("late"), "deadline", "slow?timeout=1s")
        for name, more in (("ignored", {"timeoutSeconds": 1, "failurePolicy": "Ignore"}),
                           ("patient", {"timeoutSeconds": 30}), ("defaulted", {})):
            self.apply(self.configuration("Validating", "under-test", {**hook, **more}),
                       verb="replace")
            self.create(config_map(name))

    def set_operations(self, kind, *operations):
        self.kubectl("patch", kind + "webhookconfiguration", "under-test", "--type=json", "-p",
                     json.dumps([{"op": "replace", "path": "/webhooks/0/rules/0/operations",
                                  "value": operations}]))

    def update_operations(self, kind, *operations):
        now = self.get(kind + "webhookconfiguration", "under-test")
        now["webhooks"][0]["rules"][0]["operations"] = list(operations)
        self.kubectl("replace", "-f", "-", input=json.dumps(now))

    def denies(self, name):
        """Whether what is bad is denied; the names are new each time."""
        result = self.cluster.inside(self.kubectl_argv("create", "-n", "hooked", "-f", "-"),
                                     check=False, input=json.dumps(config_map(name, BAD)))
        self.assertTrue(result.returncode == 0 or "denied" in result.stderr, result.stderr)
        return result.returncode != 0

    def mutates(self, name):
        return "mutation-stage-1" in self.create(config_map(name, START))["data"]

    def change_rules(self, kind, hook, acts):
        self.register(kind, hook)
        self.assertTrue(acts("before"))
        self.update_operations(kind, "UPDATE")
        self.assertFalse(acts("updated"))
        self.set_operations(kind, "CREATE")
        self.assertTrue(acts("patched"))

    def test_a_validating_webhook_is_updated_and_patched(self):
        self.change_rules("Validating", self.hook("/configmaps", rule("configmaps", "CREATE")),
                          self.denies)

    def test_a_mutating_webhook_is_updated_and_patched(self):
        self.change_rules("Mutating",
                          self.hook("/mutating-configmaps", rule("configmaps", "CREATE")),
                          self.mutates)

    def list_and_delete(self, kind, hook, acts):
        self.apply(*(self.configuration(kind, f"listed-{n}", hook, labels={"listed": "yes"})
                     for n in range(10)))
        plural = kind.lower() + "webhookconfigurations"
        self.assertEqual(len(self.get(plural, "-l", "listed=yes")["items"]), 10)
        self.wait_in_force()
        self.assertTrue(acts("before"))
        status, text = self.request("DELETE", f"/apis/{GROUP}/{plural}?labelSelector=listed%3Dyes")
        self.assertEqual(status, 200, text)
        self.assertEqual(self.get(plural, "-l", "listed=yes")["items"], [])
        self.assertFalse(acts("after"))

    def test_validating_webhooks_are_listed_and_deleted_together(self):
        self.list_and_delete("Validating", self.hook("/configmaps", rule("configmaps", "CREATE")),
                             self.denies)

    def test_mutating_webhooks_are_listed_and_deleted_together(self):
        self.list_and_delete("Mutating",
                             self.hook("/mutating-configmaps", rule("configmaps", "CREATE")),
                             self.mutates)

    def test_a_url(self):
        self.register("Validating", self.hook("/configmaps", rule("configmaps", "CREATE"),
                                              clientConfig={
                                                  "caBundle": self.authority,
                                                  "url": f"https://{NODE_IP}:{PORT}/configmaps"}))
        self.refused(config_map("disallowed", BAD), "the configmap contains unwanted key and value")
        self.create(config_map("allowed"))


if __name__ == "__main__":
    main()

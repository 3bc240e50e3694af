"""Webhooks, policies, Pod Security and quotas, as kubectl meets them."""
import base64
import os
import sys

from harness import NODE_IP, ROOT, ServerTest, eventually, main, run

PORT = 8444
GROUP = "admissionregistration.k8s.io/v1"
RULES = [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"],
          "operations": ["CREATE", "UPDATE"]}]


class Admission(ServerTest):
    def start_webhook(self):
        place = self.cluster.directory
        certificate, key = os.path.join(place, "hook.crt"), os.path.join(place, "hook.key")
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=hook", "-addext",
             "subjectAltName=DNS:hook.default.svc", "-keyout", key, "-out", certificate])
        process = self.cluster.popen(
            [sys.executable, os.path.join(ROOT, "tests", "e2e", "webhook_server.py"), NODE_IP, PORT,
             certificate, key])
        self.addCleanup(self._end, process)
        self.assertEqual(process.stdout.readline(), "ready\n")
        with open(certificate, "rb") as file:
            self.authority = base64.b64encode(file.read()).decode()
        self.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook"},
                    "spec": {"ports": [{"port": 443, "targetPort": PORT}]}},
                   {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                    "addressType": "IPv4",
                    "metadata": {"name": "hook-1",
                                 "labels": {"kubernetes.io/service-name": "hook"}},
                    "endpoints": [{"addresses": [NODE_IP], "conditions": {"ready": True}}],
                    "ports": [{"name": "", "port": PORT}]})

    def hook(self, kind, path, **more):
        return {"apiVersion": GROUP, "kind": kind + "WebhookConfiguration",
                "metadata": {"name": path},
                "webhooks": [{"name": f"{path}.example.com", "sideEffects": "None",
                              "admissionReviewVersions": ["v1"], "rules": RULES,
                              "clientConfig": {"caBundle": self.authority,
                                               "service": {"name": "hook", "namespace": "default",
                                                           "path": "/" + path}}, **more}]}

    def test_webhooks(self):
        self.start_webhook()
        self.apply(self.hook("Mutating", "mutate"), self.hook("Validating", "validate"))
        self.addCleanup(self.kubectl, "delete", "mutatingwebhookconfigurations", "--all")
        self.addCleanup(self.kubectl, "delete", "validatingwebhookconfigurations", "--all")
        self.kubectl("create", "configmap", "good")
        self.assertEqual(self.get("configmap", "good")["metadata"]["labels"],
                         {"seen-by-webhook": "yes"})
        text = self.kubectl_fails("create", "configmap", "refused")
        self.assertIn('admission webhook "validate.example.com" denied the request: '
                      "not a good name", text)
        self.apply(self.hook("Validating", "slow", timeoutSeconds=1))
        text = self.kubectl_fails("create", "configmap", "late")
        self.assertIn('failed calling webhook "slow.example.com": failed to call webhook: Post '
                      '"https://hook.default.svc:443/slow?timeout=1s": context deadline exceeded',
                      text)

    def test_policies(self):
        self.apply({"apiVersion": GROUP, "kind": "ValidatingAdmissionPolicy",
                    "metadata": {"name": "few"},
                    "spec": {"matchConstraints": {"resourceRules": [
                        {"apiGroups": ["apps"], "apiVersions": ["v1"],
                         "resources": ["deployments"], "operations": ["CREATE", "UPDATE"]}]},
                        "validations": [{"expression": "object.spec.replicas <= 5"}]}},
                   {"apiVersion": GROUP, "kind": "ValidatingAdmissionPolicyBinding",
                    "metadata": {"name": "few"},
                    "spec": {"policyName": "few", "validationActions": ["Deny"]}})
        text = self.kubectl_fails("create", "deployment", "many", "--image=i", "--replicas=6")
        self.assertIn("ValidatingAdmissionPolicy 'few' with binding 'few' denied request: "
                      "failed expression: object.spec.replicas <= 5", text)
        self.kubectl("create", "deployment", "some", "--image=i", "--replicas=2")

    def test_pod_security(self):
        self.kubectl("create", "namespace", "strict")
        self.kubectl("label", "namespace", "strict",
                     "pod-security.kubernetes.io/enforce=restricted")
        eventually(lambda: "default" in self.kubectl("get", "sa", "-n", "strict"), "an account")
        text = self.kubectl_fails("run", "p", "--image=i", "-n", "strict")
        self.assertIn('violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false '
                      '(container "p" must set securityContext.allowPrivilegeEscalation=false)',
                      text)

    def test_quota(self):
        self.kubectl("create", "namespace", "small")
        self.kubectl("create", "quota", "q", "--hard=configmaps=3,count/deployments.apps=1", "-n",
                     "small")
        used = lambda: self.get("quota", "q", "-n", "small").get("status", {}).get("used")
        self.kubectl("create", "deployment", "d", "--image=i", "-n", "small")
        text = self.kubectl_fails("create", "deployment", "e", "--image=i", "-n", "small")
        self.assertIn("exceeded quota: q, requested: count/deployments.apps=1, used: "
                      "count/deployments.apps=1, limited: count/deployments.apps=1", text)
        self.kubectl("annotate", "quota", "q", "look=again", "-n", "small")
        eventually(lambda: used() == {"configmaps": "1", "count/deployments.apps": "1"},
                   "the quota says what is used")


if __name__ == "__main__":
    main()

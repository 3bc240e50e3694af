#!/usr/bin/env python3
"""Versions that are switched on and off when the server starts."""
import subprocess

import harness

CRON_JOB = """
apiVersion: batch/v2alpha1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: "*/5 * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: c, image: pinnace/toolbox:1}]
"""


class RuntimeConfig(harness.ServerTest):
    server_options = ("--runtime-config", "batch/v2alpha1=true", "--runtime-config",
                      "api/beta=false,apps/v1/daemonsets=false")

    def test_what_was_switched_on_is_there(self):
        versions = self.kubectl("api-versions").split()
        self.assertIn("batch/v2alpha1", versions)
        self.kubectl("create", "-f", "-", input=CRON_JOB)
        shown = self.kubectl("get", "cronjobs.v1.batch", "tick", "-o",
                             "jsonpath={.apiVersion} {.spec.schedule}")
        self.assertEqual(shown, "batch/v1 */5 * * * *")
        self.assertIn("jobTemplate", self.kubectl(
            "explain", "cronjob.spec", "--api-version=batch/v2alpha1"))

    def test_what_was_switched_off_is_not(self):
        versions = self.kubectl("api-versions").split()
        self.assertFalse([each for each in versions if "beta" in each])
        self.assertEqual(self.status_of("GET", "/apis/apps/v1/daemonsets")[0], 404)
        self.assertNotIn("daemonsets", self.kubectl("api-resources", "-o", "name"))
        self.kubectl("get", "deployments")

    def test_a_key_that_stands_for_nothing(self):
        for key, why in (("apps/v9=true", "there is no apps/v9"), ("nonsense", "is none of api/all"),
                         ("api/all=false", "nothing would be served")):
            refused = subprocess.run([harness.PINNACE, "server", "--runtime-config", key],
                                     capture_output=True, text=True, check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("--runtime-config: ", refused.stderr)
            self.assertIn(why, refused.stderr)


if __name__ == "__main__":
    harness.main()

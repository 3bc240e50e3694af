"""What every end-to-end test stands on: a network namespace of its own, a cluster inside it, and
stock clients.

A test names what it expects and for how long it is willing to wait; nothing here sleeps blindly or
judges how long things took. Whatever a test leaves behind is removed, and `pinnace delete --verify`
proves it.
"""
import base64
import contextlib
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PINNACE = os.environ.get("PINNACE", os.path.join(ROOT, "build", "release", "pinnace"))
CLIENTS = os.path.join(ROOT, "build", "clients")
KUBECTLS = ["kubectl-v35", "kubectl-v30", "kubectl-v20"]
NODE_IP = "172.30.77.1"
NEIGHBOR_IP = "172.30.77.2"
PATIENCE_SECONDS = 90  # For one step, on a slow and busy machine.


class CommandFailed(AssertionError):
    def __init__(self, argv, result):
        super().__init__(f"{' '.join(map(str, argv))}\nexit status {result.returncode}\n"
                         f"stdout: {result.stdout}\nstderr: {result.stderr}")
        self.result = result


def run(argv, check=True, timeout=PATIENCE_SECONDS, **options):
    """Runs a command and gives its result; both outputs are captured as text."""
    options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
    if options["stdin"] is None:
        del options["stdin"]
    result = subprocess.run(list(map(str, argv)), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, timeout=timeout, **options)
    if check and result.returncode != 0:
        raise CommandFailed(argv, result)
    return result


def eventually(check, what, timeout=PATIENCE_SECONDS, interval=0.1):
    """Calls `check` until it gives something true, which is returned."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = check()
            if value:
                return value
            last = value
        except (AssertionError, OSError, KeyError, IndexError, ValueError,
                subprocess.TimeoutExpired) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} s; last: {last}")
        time.sleep(interval)


class Cluster:
    """One cluster in a network namespace that it makes itself."""

    def __init__(self):
        self.name = f"e2e-{os.getpid()}"
        self.netns = f"pn-{self.name}"
        self.neighbor_netns = f"{self.netns}-neighbor"
        self.directory = tempfile.mkdtemp(prefix="pinnace-e2e-")
        self.kubeconfig = os.path.join(self.directory, "kubeconfig")
        self.data_dir = os.path.join(self.directory, "data")
        self.port = 6443

    def make_network(self):
        """A host with one link, and a neighbor on the other end of it."""
        for name in (self.netns, self.neighbor_netns):
            run(["ip", "netns", "add", name])
        run(["ip", "-n", self.netns, "link", "add", "uplink", "type", "veth", "peer", "name",
             "uplink", "netns", self.neighbor_netns])
        for name, address in ((self.netns, NODE_IP), (self.neighbor_netns, NEIGHBOR_IP)):
            for command in (["link", "set", "lo", "up"],
                            ["address", "add", address + "/24", "dev", "uplink"],
                            ["link", "set", "uplink", "up"]):
                run(["ip", "-n", name] + command)
        run(["ip", "-n", self.netns, "route", "add", "default", "via", NEIGHBOR_IP])
        self.forwarding_before = self.forwarding()

    def enter(self, netns=None):
        """The words before a command that runs in the namespace.

        Not `ip netns exec`: it hides the control groups behind a new /sys."""
        return [shutil.which("nsenter"), f"--net=/run/netns/{netns or self.netns}", "--"]

    def inside(self, argv, **options):
        return run(self.enter() + list(argv), **options)

    def forwarding(self):
        return self.inside(["cat", "/proc/sys/net/ipv4/ip_forward"]).stdout

    def at_neighbor(self, argv, **options):
        return run(self.enter(self.neighbor_netns) + list(argv), **options)

    def popen(self, argv, **options):
        return subprocess.Popen(self.enter() + list(map(str, argv)),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                **options)

    def pinnace(self, *arguments, **options):
        options.setdefault("timeout", 180)
        verb = 2 if arguments[0] == "image" else 1
        return self.inside([PINNACE, *arguments[:verb], "--name", self.name, "--data-dir",
                            self.data_dir, *arguments[verb:]], **options)

    def up(self, *options, **kwargs):
        return self.pinnace("up", "--kubeconfig", self.kubeconfig, *options, **kwargs)

    def server_pid(self):
        with open(f"/run/pinnace/{self.name}/pinnace.pid") as file:
            return int(file.read())

    def log(self):
        with contextlib.suppress(OSError), open(os.path.join(self.data_dir, "log",
                                                             "pinnace.log")) as file:
            return file.read()[-20000:]
        return ""

    def destroy(self):
        self.pinnace("delete", "--kubeconfig", self.kubeconfig, check=False)
        verify = self.pinnace("delete", "--verify", check=False)
        for name in (self.netns, self.neighbor_netns):
            run(["ip", "netns", "delete", name], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
        return verify


class Server(Cluster):
    """A control plane alone, `pinnace server`, in a network namespace of its own: no node, no
    containers. Enough for everything that is only about the API."""
    runner = ()  # A command that runs it.

    def __init__(self):
        super().__init__()
        self.kubeconfig = os.path.join(self.data_dir, "admin.kubeconfig")
        self.process = None

    def up(self, *options):
        """Starts the server and waits until it is ready; again after `stop`."""
        self.launch(*options)
        eventually(self._is_ready, "the server is ready", interval=0.02)

    def launch(self, *options):
        """Starts the server and waits for nothing."""
        self.output = open(os.path.join(self.directory, "server.log"), "ab")
        self.process = subprocess.Popen(
            self.enter() + [*self.runner, PINNACE, "server", "--name", self.name, "--data-dir",
                            self.data_dir, *map(str, options)],
            stdout=self.output, stderr=self.output, stdin=subprocess.DEVNULL)

    def _is_ready(self):
        if self.process.poll() is not None:
            raise SystemExit(f"the server ended with {self.process.returncode}: {self.log()}")
        answer = self.inside(["curl", "-sk", "--max-time", "5", "https://127.0.0.1:6443/readyz"],
                             check=False).stdout
        # A server that answers nobody without a name does not say it to us either.
        return answer == "ok" or '"Unauthorized"' in answer

    def stop(self):
        """Ends the server, which must end well: under a sanitizer, without a report."""
        if not self.process:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=PATIENCE_SECONDS)
        self.output.close()
        if process.returncode != 0:
            raise AssertionError(f"the server ended with {process.returncode}: {self.log()}")

    def server_pid(self):
        return self.process.pid

    def log(self):
        with contextlib.suppress(OSError), open(os.path.join(self.directory,
                                                             "server.log")) as file:
            return file.read()[-20000:]
        return ""

    def destroy(self):
        try:
            self.stop()
        finally:
            verify = super().destroy()
        return verify


class ClusterTest(unittest.TestCase):
    """Tests that share one cluster; each class has its own."""
    longMessage = True
    make_cluster = Cluster
    server_options = ()  # Of `pinnace server`, for ServerTest.

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise AssertionError("these tests start containers and need root")
        run([sys.executable, os.path.join(ROOT, "tests", "clients", "fetch"), CLIENTS], timeout=600)
        cls.cluster = cls.make_cluster()
        cls.addClassCleanup(cls._destroy)
        cls.cluster.make_network()
        cls.kubectl_name = KUBECTLS[0]
        cls.up()

    @classmethod
    def up(cls):
        try:
            cls.cluster.up(*cls.server_options)
        except AssertionError:
            print(cls.cluster.log(), file=sys.stderr)
            raise

    @classmethod
    def _destroy(cls):
        verify = cls.cluster.destroy()
        if verify.returncode != 0:
            raise AssertionError("delete left something behind:\n" + verify.stdout + verify.stderr)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        outcome = super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(f"--- the server's log at the failure of {self.id()}\n{self.cluster.log()[-6000:]}",
                  file=sys.stderr)
        return outcome

    # ------------------------------------------------------------------ clients

    def kubectl_argv(self, *arguments):
        return [os.path.join(CLIENTS, self.kubectl_name), "--kubeconfig", self.cluster.kubeconfig,
                *arguments]

    def kubectl(self, *arguments, **options):
        """Standard output of kubectl; fails the test if kubectl fails."""
        return self.cluster.inside(self.kubectl_argv(*arguments), **options).stdout

    def kubectl_fails(self, *arguments, **options):
        """Standard error of a kubectl that must fail."""
        result = self.cluster.inside(self.kubectl_argv(*arguments), check=False, **options)
        self.assertNotEqual(result.returncode, 0, f"kubectl {arguments} should have failed: "
                            f"{result.stdout}")
        return result.stderr

    def apply(self, *objects, verb="create", namespace=None):
        """Gives objects (dicts) to `kubectl create -f -`."""
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        place = ["-n", namespace] if namespace else []
        return self.kubectl(verb, "-f", "-", *place, input=document)

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def kubectl_minor(self):
        return int(self.kubectl_name.rpartition("-v")[2])

    def with_each_kubectl(self, test):
        for name in KUBECTLS:
            with self.subTest(name):
                self.kubectl_name = name
                test()

    def managers(self, *what):
        """(manager, operation, subresource) of everyone who manages fields of the object."""
        # Before 1.21 they were always shown, and nobody could ask for them.
        shown = ["--show-managed-fields"] if self.kubectl_minor() >= 21 else []
        return {(entry["manager"], entry["operation"], entry.get("subresource", ""))
                for entry in self.get(*what, *shown)["metadata"]["managedFields"]}

    def start_kubectl(self, *arguments, **options):
        """kubectl in the background; ended when the test ends."""
        process = self.cluster.popen(self.kubectl_argv(*arguments), **options)
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=10)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def curl(self, url, *options, check=True):
        return self.cluster.inside(["curl", "-sS", "--max-time", "5", *options, url],
                                   check=check).stdout

    def curl_until(self, url, text, *options):
        return eventually(lambda: text in self.curl(url, *options) and self.curl(url, *options),
                          f"{url} says {text!r}")

    def terminal(self, argv, conversation, timeout=PATIENCE_SECONDS):
        """Runs a command on a pseudo-terminal; `conversation` is (wait for, then type) pairs.

        Gives everything that was shown, and the exit status."""
        pid, terminal = pty.fork()
        if pid == 0:
            argv = [*self.cluster.enter(), *map(str, argv)]
            os.execv(argv[0], argv)
        shown = ""
        seen = 0
        steps = list(conversation)
        deadline = time.monotonic() + timeout
        try:
            while True:
                if steps and steps[0][0] in shown[seen:]:
                    seen = len(shown)
                    os.write(terminal, steps.pop(0)[1].encode())
                if time.monotonic() > deadline:
                    raise AssertionError(f"{argv}: still waiting for {steps[:1]}; shown: {shown}")
                ready, _, _ = select.select([terminal], [], [], 0.5)
                if not ready:
                    continue
                try:
                    data = os.read(terminal, 65536)
                except OSError:
                    data = b""
                if not data:
                    break
                shown += data.decode(errors="replace")
            _, status = os.waitpid(pid, 0)
            pid = 0
            return shown, os.waitstatus_to_exitcode(status)
        finally:
            os.close(terminal)
            if pid:
                os.kill(pid, 15)
                os.waitpid(pid, 0)

    # ------------------------------------------------------------------ the API, without a client

    def credentials(self):
        """Files with the administrator's certificate and key and the authority, for curl."""
        paths = {name: os.path.join(self.cluster.directory, name) for name in ("ca", "cert", "key")}
        if not os.path.exists(paths["key"]):
            view = json.loads(self.kubectl("config", "view", "--raw", "-o", "json"))
            cluster, user = view["clusters"][0]["cluster"], view["users"][0]["user"]
            for name, data in (("ca", cluster["certificate-authority-data"]),
                               ("cert", user["client-certificate-data"]),
                               ("key", user["client-key-data"])):
                with open(paths[name], "wb") as file:
                    file.write(base64.b64decode(data))
        return paths

    def request(self, method, path, body=None, content_type="application/json", identify=True,
                headers=()):
        """One request by curl: (status, body). `body` is text, bytes or an object for JSON."""
        files = self.credentials()
        argv = ["curl", "-sS", "--max-time", "30", "-X", method, "--cacert", files["ca"],
                "-w", "\n%{http_code}", f"https://127.0.0.1:{self.cluster.port}{path}"]
        if identify:
            argv += ["--cert", files["cert"], "--key", files["key"]]
        for header in headers:
            argv += ["-H", header]
        if body is not None:
            data = body if isinstance(body, (str, bytes)) else json.dumps(body)
            path = os.path.join(self.cluster.directory, "body")
            with open(path, "wb") as file:
                file.write(data.encode() if isinstance(data, str) else data)
            argv += ["-H", f"Content-Type: {content_type}", "--data-binary", "@" + path]
        text, _, status = self.cluster.inside(argv).stdout.rpartition("\n")
        return int(status), text

    def status_of(self, *arguments, **options):
        """(status, reason, message) of a request that answers with a Status."""
        code, text = self.request(*arguments, **options)
        status = json.loads(text)
        self.assertEqual(status.get("kind"), "Status", text)
        self.assertEqual(status.get("code"), code)
        return code, status.get("reason"), status.get("message")

    # ------------------------------------------------------------------ waiting

    def wait_ready(self, selector, count=1, namespace="default"):
        """Waits until exactly `count` pods of the selector are there, all Ready."""
        def check():
            pods = self.get("pods", "-n", namespace, "-l", selector)["items"]
            pods = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
            ready = [pod for pod in pods if any(
                condition["type"] == "Ready" and condition["status"] == "True"
                for condition in pod["status"].get("conditions", []))]
            return ready if len(ready) == len(pods) == count else None
        return eventually(check, f"{count} ready pods of {selector}")

    def wait_gone(self, *arguments):
        return eventually(lambda: not self.kubectl("get", *arguments, "-o", "name",
                                                   "--ignore-not-found").strip(),
                          f"{arguments} gone")


class ServerTest(ClusterTest):
    """Tests that share one server without a node."""
    make_cluster = Server


def main():
    """Runs a test file; its last line is 'N passed, N failed'."""
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    failed = len(result.failures) + len(result.errors)
    passed = max(result.testsRun - failed, 0)  # A class that cannot begin runs no test.
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or result.testsRun == 0 else 0)

"""The processes that are tortured: members of etcd and API servers, all on loopback.

Whatever is started here is ended here, by its own process handle.
"""
import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import network

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PINNACE = os.environ.get("PINNACE", os.path.join(ROOT, "build", "release", "pinnace"))
START_SECONDS = 60


def free_ports(count):
    """All of them different: each is held until the last is found."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Process:
    """A program that is meant to run, or not; `tend` starts it again when it should and does not."""

    def __init__(self, name, argv, log, user=None):
        self.name, self.argv, self.log, self.user = name, argv, log, user
        self.handle = None
        self.is_wanted = False
        self.is_held = False

    def start(self):
        self.is_wanted = True
        self.tend()

    def tend(self):
        if not self.is_wanted or (self.handle and self.handle.poll() is None):
            return
        with open(self.log, "ab") as log:
            self.handle = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log, user=self.user, group=self.user)

    def kill(self):
        self.is_wanted = self.is_held = False
        if self.handle:
            self.handle.kill()
            self.handle.wait()

    def hold(self):
        if self.handle and self.handle.poll() is None:
            self.handle.send_signal(signal.SIGSTOP)
            self.is_held = True

    def let_go(self):
        if self.is_held and self.handle.poll() is None:
            self.handle.send_signal(signal.SIGCONT)
        self.is_held = False


def make_certificates(directory):
    """An authority for etcd, and one certificate for its members and their clients."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=etcd-ca")
    openssl("req", *key, "-keyout", "etcd.key", "-out", "etcd.csr", "-subj", "/CN=etcd")
    with open(os.path.join(directory, "etcd.ext"), "w", encoding="ascii") as file:
        file.write("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    openssl("x509", "-req", "-in", "etcd.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "etcd.ext", "-out", "etcd.crt")
    os.chmod(os.path.join(directory, "etcd.key"), 0o644)  # Every member is another user.


class Cluster:
    """Three API servers on three members of etcd, or one on its own disk."""

    def __init__(self, backend):
        self.directory = tempfile.mkdtemp(prefix="pinnace-torture-")
        os.chmod(self.directory, 0o711)
        self.name = f"torture-{os.getpid()}"
        self.members, self.servers = [], []
        self.ports = []
        if backend == "etcd":
            make_certificates(self.directory)
            self._make_members(3)
        for number in range(3 if backend == "etcd" else 1):
            self._make_server(number)

    def _path(self, *parts):
        return os.path.join(self.directory, *parts)

    def _make_members(self, count):
        ports = free_ports(2 * count)
        self.client_ports, self.peer_ports = ports[:count], ports[count:]
        network.prepare(self.peer_ports)
        clients, peers = [[f"https://127.0.0.1:{port}" for port in ports]
                          for ports in (self.client_ports, self.peer_ports)]
        self.etcd_urls = clients
        everyone = ",".join(f"m{i}={peer}" for i, peer in enumerate(peers))
        files = {"cert-file": "etcd.crt", "key-file": "etcd.key", "trusted-ca-file": "ca.crt"}
        for i in range(count):
            argv = ["etcd", f"--name=m{i}", f"--data-dir={self._path(f'm{i}')}",
                    f"--listen-client-urls={clients[i]}", f"--advertise-client-urls={clients[i]}",
                    f"--listen-peer-urls={peers[i]}", f"--initial-advertise-peer-urls={peers[i]}",
                    f"--initial-cluster={everyone}", "--client-cert-auth", "--peer-client-cert-auth",
                    "--heartbeat-interval=50", "--election-timeout=500", "--log-level=error"]
            for flag, file in files.items():
                argv += [f"--{flag}={self._path(file)}", f"--peer-{flag}={self._path(file)}"]
            user = network.user_of(i)
            os.mkdir(self._path(f"m{i}"), 0o700)
            os.chown(self._path(f"m{i}"), user, user)
            self.members.append(Process(f"etcd {i}", argv, self._path(f"m{i}.log"), user))

    def _make_server(self, number):
        port, = free_ports(1)
        argv = [PINNACE, "server", f"--name={self.name}-{number}", f"--port={port}",
                f"--data-dir={self._path(f's{number}')}", "--node-ip=127.0.0.1",
                f"--node-name=server-{number}",
                # So few addresses that servers often reach for the same.
                "--service-cidr=10.96.0.0/28"]
        if self.members:
            argv += [f"--etcd-servers={','.join(self.etcd_urls)}",
                     f"--etcd-cafile={self._path('ca.crt')}",
                     f"--etcd-certfile={self._path('etcd.crt')}",
                     f"--etcd-keyfile={self._path('etcd.key')}"]
        self.ports.append(port)
        self.servers.append(Process(f"server {number}", argv, self._path(f"s{number}.log")))

    def processes(self):
        return self.members + self.servers

    def start(self):
        for member in self.members:
            member.start()
        for server in self.servers:
            # All show one authority and verify one another's tokens.
            keys = self._path("s0", "pki")
            if server is not self.servers[0]:
                shutil.copytree(keys, self._path(f"s{self.servers.index(server)}", "pki"))
            server.start()
            self.wait_ready(server)

    def wait_ready(self, server):
        port = self.ports[self.servers.index(server)]
        kubeconfig = self._path(f"s{self.servers.index(server)}", "admin.kubeconfig")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            server.tend()
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    if os.path.exists(kubeconfig):
                        return
            time.sleep(0.1)
        with open(server.log, encoding="utf-8", errors="replace") as log:
            raise AssertionError(f"{server.name} does not start:\n{log.read()[-4000:]}")

    def cut(self, members, from_clients):
        network.cut([self.members.index(member) for member in members], self.peer_ports,
                    self.client_ports if from_clients else None)

    def mend(self):
        network.mend()

    def compact(self, revision):
        """As somebody with etcd's own tools does it; whether it was done."""
        context = ssl.create_default_context(cafile=self._path("ca.crt"))
        context.load_cert_chain(self._path("etcd.crt"), self._path("etcd.key"))
        for port in self.client_ports:
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=2)
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("POST", "/v3/kv/compaction", json.dumps({"revision": revision}))
                if connection.getresponse().status == 200:
                    return True
            connection.close()
        return False

    def heal(self):
        if self.members:
            self.mend()
        for process in self.processes():
            process.let_go()
            process.start()
        for server in self.servers:
            self.wait_ready(server)

    def tls(self):
        """A context with the administrator's certificate."""
        with open(self._path("s0", "admin.kubeconfig"), encoding="utf-8") as file:
            text = file.read()

        def keep(field, name):
            found = re.search(rf'{field}:\s*"?([A-Za-z0-9+/=]+)"?', text).group(1)
            with open(self._path(name), "wb") as out:
                out.write(base64.b64decode(found))
            return self._path(name)

        context = ssl.create_default_context(
            cafile=keep("certificate-authority-data", "cluster-ca.crt"))
        context.load_cert_chain(keep("client-certificate-data", "admin.crt"),
                                keep("client-key-data", "admin.key"))
        return context

    def destroy(self, keep):
        for process in self.processes():
            process.let_go()
            process.kill()
        for number in range(len(self.servers)):
            shutil.rmtree(f"/run/pinnace/{self.name}-{number}", ignore_errors=True)
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)

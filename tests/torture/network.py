"""The network of a run: a namespace of its own, in which members of etcd can be cut off.

Members run as users of their own, so that the packets of their connections can be told apart: those
to a member by its ports, those from it by its user, and both ways of a connection by its mark.
"""
import os
import subprocess
import sys

FIRST_USER = 64001
ALONE = "PINNACE_TORTURE_NETWORK"


def enter():
    """Runs the program again in a network namespace, which ends with it."""
    if ALONE not in os.environ:
        os.environ[ALONE] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def nft(text):
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


def user_of(member):
    return FIRST_USER + member


def prepare(peer_ports):
    """Marks each connection between members with the user who opened it."""
    ports = ", ".join(map(str, peer_ports))
    marks = "\n".join(f"meta skuid {user_of(i)} tcp dport {{ {ports} }} ct mark set {user_of(i)}"
                      for i in range(len(peer_ports)))
    nft(f"""table inet torture {{
chain marks {{
type filter hook output priority -10
{marks}
}}
chain cuts {{
type filter hook output priority 0
}}
}}
""")


def cut(members, peer_ports, client_ports):
    """Nothing passes between these members and the others, nor, where `client_ports` are given,
    between them and their clients."""
    rules = []
    for member in members:
        rules.append(f"ct mark {user_of(member)} drop")
        ports = [peer_ports[member]] + ([client_ports[member]] if client_ports else [])
        rules += [f"tcp {side} {port} drop" for port in ports for side in ("dport", "sport")]
    nft("".join(f"add rule inet torture cuts {rule}\n" for rule in rules))


def mend():
    nft("flush chain inet torture cuts\n")

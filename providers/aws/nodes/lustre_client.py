"""Lustre's client on a machine, reaching its file system over EFA: a script for the first boot of it.

The steps are those of AWS (FSx for Lustre User Guide, "Configuring EFA clients": Lustre's modules, one network over TCP
and one over EFA, of which EFA is preferred, and a service that does the same after a restart; its tunings under
"Performance tips"), without the download of a program from a site of documentation at each boot. The client itself
comes from Amazon Linux's own repository: the image of EKS has none on purpose (awslabs/amazon-eks-ami 2696), and its
EFA driver (3.1.0 in release 20260714) is newer than the 2.12.1 that Lustre's needs.
"""

from providers.aws.catalog import AwsMachine

MODULE = "kefalnd"
"""Lustre's network driver for EFA. It holds itself in use from its first interface on until its last is gone
(lustre-release, lnet/klnds/efalnd/efalnd.c, kefalnd_base_startup), so its count says what `lnetctl net show` would."""

_LARGE_GIB, _LARGE_CORES = 64, 64
"""Above which FSx advises its tunings ("Performance tips")."""

_PEER_CREDITS = 32


def over_efa(machine: AwsMachine) -> str:
    """Lines of a shell script that install what is missing, set it up, and have it set up after every restart."""
    return "".join(
        [
            "command -v mount.lustre >/dev/null || dnf install -y lustre-client\n",
            _file("/etc/modprobe.d/penstock-lustre.conf", _module_options(machine)),
            _file("/usr/local/sbin/penstock-lnet", _SET_UP, mode="755"),
            _file("/usr/local/sbin/penstock-lustre-tune", _tune(machine), mode="755"),
            _file("/etc/systemd/system/penstock-lnet.service", _SERVICE.format(most=machine.lustre_interfaces)),
            _file("/etc/systemd/system/penstock-lustre-tune.service", _TUNING),
            _file("/etc/systemd/system/penstock-lustre-tune.timer", _TIMER),
            "systemctl daemon-reload\n",
            "systemctl enable --now penstock-lustre-tune.timer penstock-lnet.service\n",
        ]
    )


def _file(path: str, text: str, mode: str = "644") -> str:
    return f"cat >{path} <<'PENSTOCK'\n{text}PENSTOCK\nchmod {mode} {path}\n"


def _module_options(machine: AwsMachine) -> str:
    large = ("options ksocklnd credits=2560", "options ptlrpc ptlrpcd_per_cpt_max=32")
    return "".join(f"{line}\n" for line in (large if machine.cores > _LARGE_CORES else ()))


def _tune(machine: AwsMachine) -> str:
    """Parameters that exist only while a file system is mounted, so that setting them before says so in vain."""
    memory = ("ldlm.namespaces.*.lru_max_age=600000", f"ldlm.namespaces.*.lru_size={100 * machine.cores}")
    cores = ("osc.*OST*.max_rpcs_in_flight=32", "mdc.*.max_rpcs_in_flight=64", "mdc.*.max_mod_rpcs_in_flight=50")
    asked = (
        *(memory if machine.memory_gib > _LARGE_GIB else ()),
        *(cores if machine.cores > _LARGE_CORES else ()),
    )
    lines = [f"lctl set_param '{one}' >/dev/null 2>&1 || true\n" for one in asked]
    return "".join(["#!/bin/bash\n", *lines])


_SET_UP = f"""\
#!/bin/bash
set -euo pipefail
most=$1
primary=$(ip -o -4 route show default | awk 'NR == 1 {{print $5}}')
modprobe lnet
modprobe {MODULE} ipif_name="$primary"
modprobe ksocklnd
lnetctl lnet configure
lnetctl net del --net tcp 2>/dev/null || true
lnetctl net add --net tcp --if "$primary"
mapfile -t devices < <(
  for one in /sys/class/infiniband/*; do
    if [ "$(basename "$(readlink -f "$one/device/driver")")" = efa ]; then basename "$one"; fi
  done
)
count=${{#devices[@]}}
[ "$count" -gt 0 ]
step=$(( count > most ? count / most : 1 ))
for (( at = 0, taken = 0; at < count && taken < most; at += step, taken += 1 )); do
  lnetctl net add --net efa --if "${{devices[$at]}}" --peer-credits {_PEER_CREDITS}
done
lnetctl set discovery 1
lnetctl udsp add --src efa --priority 0
modprobe lustre
"""
"""With the number of interfaces. They are taken evenly from all that there are, as those of one processor stand
together."""

_SERVICE = """\
[Unit]
Description=Lustre's networks, EFA among them
Wants=network-online.target
After=network-online.target
Before=kubelet.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/penstock-lnet {most}
[Install]
WantedBy=multi-user.target
"""

_TUNING = """\
[Unit]
Description=Parameters of mounted Lustre file systems
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/penstock-lustre-tune
"""

_TIMER = """\
[Unit]
Description=Parameters of mounted Lustre file systems, within a minute of each mount
[Timer]
OnActiveSec=1min
OnUnitActiveSec=1min
[Install]
WantedBy=timers.target
"""

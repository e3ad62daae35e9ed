"""The systemd unit of ``edge-infer``, closed as far as a camera and the engines allow."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edge_runtime.errors import UsageError
from edge_runtime.quick_dataclass import dataclass

__all__ = ["UnitOptions", "unit_text"]

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_-]+:/[A-Za-z0-9_./+-]*")


@dataclass(frozen=True)
class UnitOptions:
    """What differs between devices.

    Attributes:
        executable: Absolute path of ``edge-infer``.
        config: Absolute path of its configuration.
        watchdog_seconds: How long without a processed frame until a restart; 0 for no watchdog.
        addresses: Networks that the service may talk to besides this machine (an MQTT broker, a
            camera's stream), e.g. ``192.168.1.0/24``.
        credentials: ``NAME:FILE`` each: a secret of root's that systemd hands to the service as
            ``/run/credentials/saliedge.service/NAME``.
        user: A system user and group that exist; None for one that systemd makes up for each run.
    """

    executable: str
    config: str
    watchdog_seconds: int = 30
    addresses: Sequence[str] = ()
    credentials: Sequence[str] = ()
    user: str | None = None

    def __post_init__(self) -> None:
        for name, path in (("executable", self.executable), ("configuration", self.config)):
            if not path.startswith("/") or any(char in path for char in "\n\r\"'\\$%"):
                raise UsageError(f"The {name} {path!r} is no plain absolute path; move it.")
        for entry in self.credentials:
            if not _CREDENTIAL.fullmatch(entry):
                raise UsageError(f"{entry!r} is no NAME:FILE with a plain absolute path.")
        if self.user is not None and not _USER.fullmatch(self.user):
            raise UsageError(f"{self.user!r} is no name of a system user.")
        if any(char.isspace() for address in self.addresses for char in address):
            raise UsageError("An address holds a space; give one with each --allow.")


def unit_text(options: UnitOptions) -> str:
    """Return the text of ``saliedge.service``.

    ``/proc/cpuinfo`` stays readable, since engines choose their kernels by it; devices are closed
    but for cameras and the memory that Picamera2 hands frames over in.
    """
    watchdog = f"WatchdogSec={options.watchdog_seconds}\n" if options.watchdog_seconds else ""
    credentials = "".join(f"LoadCredential={entry}\n" for entry in options.credentials)
    # A user that systemd makes up brings a state directory of root's that only the service sees.
    user = f"User={options.user}\nGroup={options.user}" if options.user else "DynamicUser=yes"
    return _UNIT.format(
        executable=options.executable,
        config=options.config,
        watchdog=watchdog,
        credentials=credentials,
        user=user,
        addresses=" ".join(("localhost", *options.addresses)),
    )


_UNIT = """\
# Made by `saliedge service unit`.
[Unit]
Description=saliedge: image classification beside a camera
# The rules for devices below are made at the start, of the kinds that the kernel knows by then; a
# camera that is plugged in later must be of one of them.
Wants=modprobe@videodev.service
After=time-sync.target modprobe@videodev.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart="{executable}" --config "{config}"
# A camera that is away, a model that crashes: the next start looks again. What the command line
# or the configuration has wrong does not heal.
Restart=always
RestartSec=5
RestartPreventExitStatus=2
SuccessExitStatus=130 143
TimeoutStartSec=180
TimeoutStopSec=20
{watchdog}{credentials}Environment=ORT_DISABLE_TELEMETRY=1 PYTHONUNBUFFERED=1
StateDirectory=saliedge
WorkingDirectory=/var/lib/saliedge
UMask=0027

{user}
SupplementaryGroups=video
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateMounts=yes
DevicePolicy=closed
DeviceAllow=char-video4linux rw
DeviceAllow=char-media rw
DeviceAllow=char-dma_heap rw
ProtectProc=invisible
ProcSubset=all
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
IPAddressDeny=any
IPAddressAllow={addresses}

[Install]
WantedBy=multi-user.target
"""

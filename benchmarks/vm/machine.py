"""One virtual arm64 machine: its power, its console, and the ports that it serves here."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.emulate.tools import run_tool
from benchmarks.vm.agent import Agent
from benchmarks.vm.image import DeviceImage
from edge_runtime.closing import Closing
from edge_runtime.errors import SaliedgeError

__all__ = ["Hardware", "Machine"]

_BOOT_SECONDS = 600.0
_OFF_SECONDS = 300.0
_TOLD_LINES = 15


@dataclass(frozen=True)
class Hardware:
    """What the machine is made of.

    Attributes:
        processor: qemu's name of the core: ``cortex-a53`` (Pi 3, Zero 2 W), ``cortex-a72`` (Pi 4).
        cores: How many.
        memory_mb: Memory, MiB.
    """

    processor: str = "cortex-a72"
    cores: int = 2
    memory_mb: int = 1024


_PI_4 = Hardware()


class Machine(Closing):
    """A machine with a disk of its own, which lasts over its boots.

    Args:
        image: What the disk begins with; unchanged.
        folder: Where the disk and the console's text are kept. A short path: a socket lies there.
        ports: Ports of the machine that are reached here, on this host's loopback address alone.

    Attributes:
        forwarded: Port of the machine -> port here.
    """

    def __init__(self, image: DeviceImage, folder: Path, ports: Sequence[int] = ()) -> None:
        self.forwarded = dict(zip(ports, _free_ports(len(ports)), strict=True))
        self._image = image
        self._disk = folder / "disk.qcow2"
        self._outputs = self._console, self._errors = folder / "console.txt", folder / "qemu.txt"
        self._socket = folder / "agent"
        self._process: subprocess.Popen[bytes] | None = None
        self._agent: Agent | None = None
        run_tool(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image.disk, self._disk],
            "make the machine's disk",
        )

    @property
    def agent(self) -> Agent:
        """Runs commands in the machine; it has booted."""
        if self._agent is None:
            raise RuntimeError("the machine is off")
        return self._agent

    @property
    def running(self) -> bool:
        """Whether it is on. A kernel that panics switches it off."""
        return self._process is not None and self._process.poll() is None

    @property
    def said(self) -> str:
        """The last lines that its console and qemu printed since the latest boot."""
        texts = [path.read_text(errors="replace") for path in self._outputs if path.exists()]
        return " / ".join(line for text in texts for line in text.splitlines()[-_TOLD_LINES:])

    def boot(self, hardware: Hardware = _PI_4) -> None:
        """Switch on, and wait until commands can be run.

        Args:
            hardware: What it is made of this time.

        Raises:
            SaliedgeError: It does not come up; the sentence ends with its console's last lines.
        """
        self._console.unlink(missing_ok=True)
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                self._command(hardware), stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
            )
        try:
            self._wait_for_socket()
            self._agent = Agent(self._socket, _BOOT_SECONDS, lambda: self.running)
        except SaliedgeError as error:
            self.cut_power()
            raise SaliedgeError(f"{error} It said: {self.said}") from error

    def cut_power(self) -> None:
        """End the machine at once, as it is; what it had not written to its disk is lost."""
        if self._process is not None:
            self._process.kill()
        self._forget()

    def close(self) -> None:
        """Cut the power, if it is still on."""
        self.cut_power()

    def shut_down(self) -> None:
        """Switch off in order."""
        self.agent.start("systemctl", "poweroff")
        if self._process is not None:
            self._process.wait(_OFF_SECONDS)
        self._forget()

    def _forget(self) -> None:
        if self._agent is not None:
            self._agent.close()
        if self._process is not None:
            self._process.wait()
        self._agent = self._process = None
        self._socket.unlink(missing_ok=True)

    def _wait_for_socket(self) -> None:
        deadline = time.monotonic() + _OFF_SECONDS
        while not self._socket.exists():
            if not self.running or time.monotonic() > deadline:
                raise SaliedgeError("The machine could not be started.")
            time.sleep(0.05)

    def _command(self, hardware: Hardware) -> list[str]:
        forwards = "".join(
            f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for there, here in self.forwarded.items()
        )
        return [
            "qemu-system-aarch64",
            *("-M", "virt", "-nodefaults", "-display", "none"),
            # Its clock goes by its instructions, a nanosecond each: whatever else this host does,
            # nothing in the machine is late for a watchdog or a timeout.
            *("-accel", "tcg", "-icount", "shift=0"),
            *("-cpu", hardware.processor, "-smp", str(hardware.cores)),
            *("-m", str(hardware.memory_mb), "-no-reboot", "-monitor", "none"),
            *("-kernel", str(self._image.kernel), "-initrd", str(self._image.initrd)),
            *("-append", "console=ttyAMA0 panic=-1 systemd.log_color=0 systemd.show_status=1"),
            *("-chardev", f"file,id=console,path={self._console}", "-serial", "chardev:console"),
            *("-drive", f"if=virtio,format=qcow2,file={self._disk}"),
            # It reaches nobody; what it serves is reached through the forwarded ports.
            *("-netdev", f"user,id=net,restrict=on{forwards}"),
            *("-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"),
            *("-device", "virtio-serial-pci"),
            *("-chardev", f"socket,id=agent,server=on,wait=off,path={self._socket}"),
            *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
        ]


def _free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody listens on."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports

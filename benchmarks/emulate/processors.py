"""The processors that are emulated, and what is known of their arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PROCESSORS", "Processor"]

_CORES = 4
_COMMON_FEATURES = "fp asimd evtstrm crc32 cpuid"
_A76_FEATURES = (
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop "
    "asimddp"
)


@dataclass(frozen=True)
class Processor:
    """A board's processor.

    Attributes:
        name: Name by which qemu knows its core.
        board: The board that has it.
        features: What Linux lists under ``Features``; engines choose kernels by it.
        part: ``CPU part`` of ``/proc/cpuinfo``.
        variant: ``CPU variant``.
        revision: ``CPU revision``.
        max_frequency_khz: Highest clock, which engines read too.
        int8_macs: Most int8 multiply-accumulates that one instruction does.
        int8_instruction: Which instruction that is.
    """

    name: str
    board: str
    features: str
    part: str
    variant: str
    revision: int
    max_frequency_khz: int
    int8_macs: int
    int8_instruction: str

    # 128-bit FMLA on four float32 lanes; the same on both cores.
    float32_macs = 4
    float32_instruction = "FMLA"

    def system_files(self) -> dict[str, str]:
        """Return path -> content of the files by which programs find out where they run.

        Without them an engine reads the host's: ONNX Runtime then crashes on the x86 list of
        features, and counts depend on the host's number of processors.
        """
        core = (
            f"BogoMIPS\t: 108.00\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\n"
            f"CPU architecture: 8\nCPU variant\t: {self.variant}\nCPU part\t: {self.part}\n"
            f"CPU revision\t: {self.revision}\n\n"
        )
        everyone = f"0-{_CORES - 1}\n"
        system = "sys/devices/system/cpu"
        files = {
            "proc/cpuinfo": "".join(f"processor\t: {i}\n{core}" for i in range(_CORES)),
            f"{system}/kernel_max": f"{_CORES - 1}\n",
            f"{system}/online": everyone,
            f"{system}/possible": everyone,
            f"{system}/present": everyone,
        }
        for index in range(_CORES):
            place = f"{system}/cpu{index}"
            files |= {
                f"{place}/cpufreq/cpuinfo_max_freq": f"{self.max_frequency_khz}\n",
                f"{place}/cpufreq/cpuinfo_min_freq": "600000\n",
                f"{place}/topology/cluster_cpus_list": everyone,
                f"{place}/topology/core_id": f"{index}\n",
                f"{place}/topology/core_siblings_list": everyone,
                f"{place}/topology/physical_package_id": "0\n",
                f"{place}/topology/thread_siblings_list": f"{index}\n",
            }
        return files


PROCESSORS: dict[str, Processor] = {
    "cortex-a72": Processor(
        name="cortex-a72",
        board="Raspberry Pi 4",
        features=_COMMON_FEATURES,
        part="0xd08",
        variant="0x0",
        revision=3,
        max_frequency_khz=1_800_000,
        # No dot product: 8 products of 8 bit are added into 16-bit lanes at once.
        int8_macs=8,
        int8_instruction="SMLAL",
    ),
    "cortex-a76": Processor(
        name="cortex-a76",
        board="Raspberry Pi 5",
        features=_A76_FEATURES,
        part="0xd0b",
        variant="0x4",
        revision=1,
        max_frequency_khz=2_400_000,
        int8_macs=16,
        int8_instruction="SDOT",
    ),
}
"""Name -> processor."""

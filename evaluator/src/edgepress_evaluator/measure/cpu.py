"""The processor's name, from ``/proc/cpuinfo``."""

# Part numbers of Arm's cores on the supported boards, as in the description of the Main ID Register in each core's
# technical reference manual.
_ARM_LTD = 0x41
_ARM_PARTS = {
    0xB76: "ARM1176",
    0xC07: "Cortex-A7",
    0xC08: "Cortex-A8",
    0xC09: "Cortex-A9",
    0xC0F: "Cortex-A15",
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD0D: "Cortex-A77",
    0xD40: "Neoverse-V1",
    0xD41: "Cortex-A78",
    0xD42: "Cortex-A78AE",
    0xD49: "Neoverse-N2",
    0xD4F: "Neoverse-V2",
}


def cpu_name(cpuinfo: str) -> str | None:
    """Return the name, or the names of all kinds of core, such as ``Cortex-A53 + Cortex-A73``; None if unknown.

    Arm kernels report numbers instead of a name, and on some boards additionally the name of the system on chip.
    """
    fields = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in cpuinfo.splitlines())]
    cores = _arm_cores(fields) or [value for key, value in fields if key == "model name"]
    chip = next((value for key, value in fields if key == "Hardware"), None)
    names = " + ".join(dict.fromkeys(cores)) or None
    if names and chip:
        return f"{names} ({chip})"
    return names or chip


def _arm_cores(fields: list[tuple[str, str]]) -> list[str]:
    implementers = [int(value, 16) for key, value in fields if key == "CPU implementer"]
    parts = [int(value, 16) for key, value in fields if key == "CPU part"]
    return [
        _ARM_PARTS.get(part, f"Arm part {part:#x}")
        if implementer == _ARM_LTD
        else f"part {part:#x} of {implementer:#x}"
        for implementer, part in zip(implementers, parts, strict=False)
    ]

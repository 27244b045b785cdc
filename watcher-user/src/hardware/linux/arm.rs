//! Names of Arm cores by implementer and part, from MIDR_EL1. The kernel tells numbers only; the names are those of
//! util-linux's lscpu (sys-utils/lscpu-arm.c) for the cores that run Linux on servers, boards, phones and laptops.

/// The kinds of cores, `+` between them; `None` when any of them is unknown.
pub(super) fn names(parts: &[(u32, u32)]) -> Option<String> {
    let names: Option<Vec<String>> = parts.iter().map(|&(implementer, part)| name(implementer, part)).collect();
    names.filter(|names| !names.is_empty()).map(|names| names.join(" + "))
}

fn name(implementer: u32, part: u32) -> Option<String> {
    let table = match implementer {
        0x41 => ARM,
        0x43 => &[(0x0a1, "ThunderX 88XX"), (0x0af, "ThunderX2 99xx"), (0x0b8, "ThunderX3 T110")],
        0x46 => &[(0x001, "A64FX"), (0x003, "MONAKA")],
        0x48 => &[(0xd01, "TaiShan v110"), (0xd02, "TaiShan v120"), (0xd40, "Cortex-A76"), (0xd41, "Cortex-A77")],
        0x4e => &[(0x003, "Denver 2"), (0x004, "Carmel"), (0x010, "Olympus")],
        0x50 => &[(0x000, "X-Gene")],
        0x51 => QUALCOMM,
        0x61 => APPLE,
        0x6d => &[(0xd49, "Azure Cobalt 100")],
        0xc0 => &[(0xac3, "AmpereOne"), (0xac4, "AmpereOne A"), (0xac5, "AmpereOne B")],
        _ => return None,
    };
    let (_, name) = table.iter().find(|(number, _)| *number == part)?;
    let maker = maker(implementer)?;
    Some(if name.starts_with(maker) { (*name).to_owned() } else { format!("{maker} {name}") })
}

fn maker(implementer: u32) -> Option<&'static str> {
    Some(match implementer {
        0x41 => "ARM",
        0x43 => "Cavium",
        0x46 => "Fujitsu",
        0x48 => "HiSilicon",
        0x4e => "NVIDIA",
        0x50 => "APM",
        0x51 => "Qualcomm",
        0x61 => "Apple",
        0x6d => "Microsoft",
        0xc0 => "Ampere",
        _ => return None,
    })
}

const ARM: &[(u32, &str)] = &[
    (0xb76, "ARM1176"),
    (0xc07, "Cortex-A7"),
    (0xc08, "Cortex-A8"),
    (0xc09, "Cortex-A9"),
    (0xc0f, "Cortex-A15"),
    (0xd03, "Cortex-A53"),
    (0xd04, "Cortex-A35"),
    (0xd05, "Cortex-A55"),
    (0xd07, "Cortex-A57"),
    (0xd08, "Cortex-A72"),
    (0xd09, "Cortex-A73"),
    (0xd0a, "Cortex-A75"),
    (0xd0b, "Cortex-A76"),
    (0xd0c, "Neoverse-N1"),
    (0xd0d, "Cortex-A77"),
    (0xd40, "Neoverse-V1"),
    (0xd41, "Cortex-A78"),
    (0xd42, "Cortex-A78AE"),
    (0xd44, "Cortex-X1"),
    (0xd46, "Cortex-A510"),
    (0xd47, "Cortex-A710"),
    (0xd48, "Cortex-X2"),
    (0xd49, "Neoverse-N2"),
    (0xd4a, "Neoverse-E1"),
    (0xd4b, "Cortex-A78C"),
    (0xd4c, "Cortex-X1C"),
    (0xd4d, "Cortex-A715"),
    (0xd4e, "Cortex-X3"),
    (0xd4f, "Neoverse-V2"),
    (0xd80, "Cortex-A520"),
    (0xd81, "Cortex-A720"),
    (0xd82, "Cortex-X4"),
    (0xd84, "Neoverse-V3"),
    (0xd85, "Cortex-X925"),
    (0xd87, "Cortex-A725"),
    (0xd8e, "Neoverse-N3"),
];

const QUALCOMM: &[(u32, &str)] = &[
    (0x001, "Oryon"),
    (0x802, "Kryo-3XX-Gold"),
    (0x803, "Kryo-3XX-Silver"),
    (0x804, "Kryo-4XX-Gold"),
    (0x805, "Kryo-4XX-Silver"),
    (0xc00, "Falkor"),
];

const APPLE: &[(u32, &str)] = &[
    (0x022, "Icestorm-M1"),
    (0x023, "Firestorm-M1"),
    (0x024, "Icestorm-M1-Pro"),
    (0x025, "Firestorm-M1-Pro"),
    (0x028, "Icestorm-M1-Max"),
    (0x029, "Firestorm-M1-Max"),
    (0x032, "Blizzard-M2"),
    (0x033, "Avalanche-M2"),
    (0x034, "Blizzard-M2-Pro"),
    (0x035, "Avalanche-M2-Pro"),
    (0x038, "Blizzard-M2-Max"),
    (0x039, "Avalanche-M2-Max"),
];

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn cores_have_names_and_unknown_ones_have_none() {
        let cases: &[(&[_], Option<_>)] = &[
            (&[(0xc0, 0xac3)], Some("AmpereOne")),
            (&[(0x41, 0xb76)], Some("ARM1176")),
            (&[(0x41, 0xd0c)], Some("ARM Neoverse-N1")),
            (&[(0x41, 0xd05), (0x41, 0xd0b)], Some("ARM Cortex-A55 + ARM Cortex-A76")),
            (&[(0x61, 0x022), (0x61, 0x023)], Some("Apple Icestorm-M1 + Apple Firestorm-M1")),
            (&[(0x41, 0xfff)], None),
            (&[(0x41, 0xd05), (0x99, 0x001)], None),
            (&[], None),
        ];
        for (parts, wanted) in cases {
            assert_eq!(names(parts).as_deref(), *wanted);
        }
    }
}

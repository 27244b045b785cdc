//! /proc/cpuinfo, which has another form on each architecture.

/// What it tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct CpuInfo {
    /// As the processor names itself. 32-bit Arm has a line that looks like it and names the architecture: not taken.
    pub model_name: Option<String>,
    /// Implementer and part of each kind of Arm core, in the order of the processors.
    pub arm_parts: Vec<(u32, u32)>,
    /// The highest that any processor runs at, MHz; 0 when not told. Hypervisors tell the nominal frequency here.
    pub mhz: u64,
    /// Logical processors.
    pub processors: u32,
}

impl CpuInfo {
    pub fn parse(text: &str) -> Self {
        let mut info = Self::default();
        let mut implementer = None;
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "processor" if value.parse::<u32>().is_ok() => info.processors += 1,
                "model name" if info.model_name.is_none() && is_model(value) => {
                    info.model_name = Some(value.split_whitespace().collect::<Vec<_>>().join(" "));
                }
                "cpu mhz" => {
                    let mhz = value.parse::<f64>().map_or(0, |mhz| mhz.round() as u64);
                    info.mhz = info.mhz.max(mhz);
                }
                "cpu implementer" => implementer = hex(value),
                "cpu part" => {
                    let part = implementer.zip(hex(value)).filter(|part| !info.arm_parts.contains(part));
                    info.arm_parts.extend(part);
                }
                _ => {}
            }
        }
        info
    }
}

fn is_model(value: &str) -> bool {
    !value.is_empty() && !value.starts_with("ARMv") && !value.starts_with("AArch64")
}

fn hex(value: &str) -> Option<u32> {
    u32::from_str_radix(value.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::CpuInfo;

    #[test]
    fn x86_names_itself() {
        let text = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 97\n\
            model name\t: AMD Ryzen 9 7950X 16-Core Processor            \ncpu MHz\t\t: 4500.000\n\n\
            processor\t: 1\nmodel name\t: AMD Ryzen 9 7950X 16-Core Processor            \ncpu MHz\t\t: 5700.123\n";
        let info = CpuInfo::parse(text);
        assert_eq!(info.model_name.as_deref(), Some("AMD Ryzen 9 7950X 16-Core Processor"));
        assert_eq!((info.mhz, info.processors, info.arm_parts.len()), (5_700, 2, 0));
        let intel = "processor : 0\nmodel name\t: Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz\ncpu MHz : 2299.998\n";
        let info = CpuInfo::parse(intel);
        assert_eq!(info.model_name.as_deref(), Some("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz"));
        assert_eq!(info.mhz, 2_300);
    }

    #[test]
    fn arm_has_numbers_of_each_kind_of_core() {
        let core = |n, part| {
            format!(
                "processor\t: {n}\nBogoMIPS\t: 38.40\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: {part}\nCPU revision\t: 1\n\n"
            )
        };
        let text = [core(0, "0xd05"), core(1, "0xd05"), core(2, "0xd0b")].concat();
        let info = CpuInfo::parse(&text);
        assert_eq!(info.arm_parts, [(0x41, 0xd05), (0x41, 0xd0b)]);
        assert_eq!((info.model_name, info.processors, info.mhz), (None, 3, 0));
    }

    #[test]
    fn what_32_bit_arm_calls_a_model_is_an_architecture() {
        let text = "processor\t: 0\nmodel name\t: ARMv7 Processor rev 4 (v7l)\nCPU implementer\t: 0x41\n\
            CPU part\t: 0xd03\n\nHardware\t: BCM2835\n";
        let info = CpuInfo::parse(text);
        assert_eq!((info.model_name, info.arm_parts), (None, vec![(0x41, 0xd03)]));
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        assert_eq!(CpuInfo::parse(""), CpuInfo::default());
        assert_eq!(CpuInfo::parse("CPU part : 0xd03\ncpu MHz : soon\nmodel name :\n"), CpuInfo::default());
    }
}

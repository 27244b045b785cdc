//! Names of hardware in a form that can be grouped by.

/// Lower case, every run of anything but a–z and 0–9 one `_`, none at the ends: `Apple M4 Max` becomes `apple_m4_max`.
#[must_use]
pub fn normalized(model: &str) -> String {
    let lower = model.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::normalized;

    #[test]
    fn models_of_every_maker_become_words() {
        let cases = [
            ("Apple M4 Max", "apple_m4_max"),
            ("Apple M1", "apple_m1"),
            ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "intel_r_xeon_r_platinum_8375c_cpu_2_90ghz"),
            ("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", "11th_gen_intel_r_core_tm_i7_1165g7_2_80ghz"),
            ("AMD Ryzen 9 7950X 16-Core Processor            ", "amd_ryzen_9_7950x_16_core_processor"),
            ("AMD EPYC 9R14", "amd_epyc_9r14"),
            ("ARM Neoverse-N1", "arm_neoverse_n1"),
            ("ARM Cortex-A76 + ARM Cortex-A55", "arm_cortex_a76_arm_cortex_a55"),
            ("AWS Graviton3", "aws_graviton3"),
            ("Ampere(R) Altra(R) Processor", "ampere_r_altra_r_processor"),
            ("", ""),
            ("(R)", "r"),
            ("龙芯 3A5000", "3a5000"),
        ];
        for (model, wanted) in cases {
            assert_eq!(normalized(model), wanted);
        }
    }
}

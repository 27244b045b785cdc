//! `cargo xtask unsafe`: how much of the source is unsafe, and where. That each block says why it is sound is clippy's to
//! demand (`undocumented_unsafe_blocks`).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::repo;
use crate::run::capture;

/// What `cargo xtask unsafe --help` prints.
pub const HELP: &str = "\
cargo xtask unsafe

Counts `unsafe` in every Rust file that git knows: blocks, impls, functions, extern blocks. Markdown, for docs/security.md.
";

/// Runs the verb.
pub fn main(args: lexopt::Parser) -> Result<()> {
    if crate::help_was_all(args, HELP)? {
        return Ok(());
    }
    let listed = capture(Command::new("git").current_dir(repo::root()).args(["ls-files", "*.rs"]))?;
    let mut parts: BTreeMap<String, (Count, usize)> = BTreeMap::new();
    for file in listed.lines() {
        let path = repo::root().join(file);
        let source = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let counted = count(&source).with_context(|| format!("{file} is no Rust"))?;
        if counted != Count::default() {
            let (sum, files) = parts.entry(part(Path::new(file))).or_default();
            sum.add(counted);
            *files += 1;
        }
    }
    println!("| part | blocks | impls | functions | extern | files |\n| --- | --- | --- | --- | --- | --- |");
    let mut sum = (Count::default(), 0);
    for (part, (count, files)) in &parts {
        println!("{}", row(part, *count, *files));
        sum.0.add(*count);
        sum.1 += files;
    }
    println!("{}", row("all", sum.0, sum.1));
    Ok(())
}

fn row(part: &str, count: Count, files: usize) -> String {
    let Count { blocks, impls, functions, foreign } = count;
    format!("| {part} | {blocks} | {impls} | {functions} | {foreign} | {files} |")
}

/// The crate, and which of its folders: programs, or what tries them.
fn part(file: &Path) -> String {
    let parts: Vec<_> = file.iter().take(2).map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    blocks: usize,
    impls: usize,
    functions: usize,
    foreign: usize,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.impls += other.impls;
        self.functions += other.functions;
        self.foreign += other.foreign;
    }
}

/// In one file: tokens, so that neither comments nor text count.
fn count(source: &str) -> Result<Count> {
    let tokens: TokenStream = source.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut count = Count::default();
    look(tokens, &mut count);
    Ok(count)
}

fn look(tokens: TokenStream, count: &mut Count) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => look(group.stream(), count),
            TokenTree::Ident(word) if word == "unsafe" => match tokens.peek() {
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => count.blocks += 1,
                Some(TokenTree::Ident(word)) if word == "impl" => count.impls += 1,
                Some(TokenTree::Ident(word)) if word == "fn" => count.functions += 1,
                Some(TokenTree::Ident(word)) if word == "extern" => {
                    tokens.next();
                    tokens.next_if(|token| matches!(token, TokenTree::Literal(_)));
                    let is_function = matches!(tokens.peek(), Some(TokenTree::Ident(word)) if word == "fn");
                    *(if is_function { &mut count.functions } else { &mut count.foreign }) += 1;
                }
                // An attribute: `#[unsafe(no_mangle)]`.
                _ => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, count};

    #[test]
    fn words_in_comments_text_and_attributes_do_not_count() {
        let source = "// unsafe { }\n#[unsafe(no_mangle)] fn f() -> &'static str { \"unsafe { }\" }";
        assert_eq!(count(source).unwrap(), Count::default());
    }

    #[test]
    fn each_kind_counts_within_macros_too() {
        let source = "unsafe impl Send for X {} unsafe extern \"C\" { fn g(); } unsafe extern \"C\" fn h() {}
            m! { unsafe { unsafe { } } } unsafe fn i() {}";
        assert_eq!(count(source).unwrap(), Count { blocks: 2, impls: 1, functions: 2, foreign: 1 });
    }
}

//! Questions with defaults. Reading and writing are handed in.

use std::io::{self, BufRead, Write};

use anyhow::{Context as _, bail};

/// How often a question is put again after an answer that is none.
const PATIENCE: usize = 5;

/// Somebody who answers.
pub struct Asker<R, W> {
    input: R,
    /// Where questions go; also for what has to be read before an answer.
    pub output: W,
}

impl<R: BufRead, W: Write> Asker<R, W> {
    /// Answers from `input` to questions on `output`.
    pub fn new(input: R, output: W) -> Self {
        Self { input, output }
    }

    /// Yes or no.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn yes_or_no(&mut self, question: &str, default: bool) -> anyhow::Result<bool> {
        let hint = if default { "Y/n" } else { "y/N" };
        self.until(question, hint, |answer| match answer.to_ascii_lowercase().as_str() {
            "" => Ok(default),
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("please answer yes or no".to_owned()),
        })
    }

    /// Some text that `check` takes; an empty answer is the default.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn text(
        &mut self,
        question: &str,
        default: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> anyhow::Result<String> {
        self.until(question, default, |answer| {
            let answer = if answer.is_empty() { default } else { answer };
            check(answer).map(|()| answer.to_owned())
        })
    }

    fn until<T>(&mut self, question: &str, hint: &str, parse: impl Fn(&str) -> Result<T, String>) -> anyhow::Result<T> {
        for _ in 0..PATIENCE {
            write!(self.output, "{question} [{hint}] ").and_then(|()| self.output.flush()).context("asking")?;
            match parse(self.line()?.trim()) {
                Ok(answer) => return Ok(answer),
                Err(problem) => writeln!(self.output, "  {problem}").context("asking")?,
            }
        }
        bail!("no usable answer to: {question}; `watcher setup --help` has a flag for it")
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        let ended = || io::Error::new(io::ErrorKind::UnexpectedEof, "the input ended; nothing was changed");
        match self.input.read_line(&mut line).context("reading the answer")? {
            0 => Err(ended().into()),
            _ => Ok(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Asker;

    fn with(answers: &str) -> Asker<&[u8], Vec<u8>> {
        Asker::new(answers.as_bytes(), Vec::new())
    }

    #[test]
    fn an_empty_answer_is_the_default() {
        assert!(with("\n").yes_or_no("Well?", true).unwrap());
        assert!(!with("\n").yes_or_no("Well?", false).unwrap());
        assert_eq!(with("\n").text("Which?", "this", |_| Ok(())).unwrap(), "this");
    }

    #[test]
    fn an_answer_that_is_none_is_asked_for_again() {
        let mut asker = with("perhaps\nYES\n");
        assert!(asker.yes_or_no("Well?", false).unwrap());
        let shown = String::from_utf8(asker.output).unwrap();
        assert_eq!(shown, "Well? [y/N]   please answer yes or no\nWell? [y/N] ");
    }

    #[test]
    fn it_does_not_ask_for_ever() {
        let error = with(&"perhaps\n".repeat(9)).yes_or_no("Well?", false).unwrap_err();
        assert!(error.to_string().contains("no usable answer to: Well?"), "{error}");
        let ended = with("").yes_or_no("Well?", true).unwrap_err();
        assert!(ended.to_string().contains("nothing was changed"), "{ended}");
    }
}

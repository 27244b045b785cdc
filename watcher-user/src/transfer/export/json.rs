//! One object per line. Names are as they are: JSON escapes what it must.

use std::io::Write as _;

use super::{Output, Record, Sink};

pub struct Json(Output);

impl Json {
    pub fn new(output: Output) -> Self {
        Self(output)
    }
}

impl Sink for Json {
    fn row(&mut self, record: &Record) -> anyhow::Result<()> {
        // In pieces it would be an error of serde_json's, which hides that a reader has gone.
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        Ok(self.0.write_all(&line)?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<Output> {
        Ok(self.0)
    }
}

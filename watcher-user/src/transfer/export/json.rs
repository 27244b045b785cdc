//! One object per line. Names are as they are, in escapes where a terminal would act on them.

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
        let line = watcher_core::json::to_string(record)? + "\n";
        Ok(self.0.write_all(line.as_bytes())?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<Output> {
        Ok(self.0)
    }
}

//! Apache Parquet: columns, in groups of rows that fit into memory. Names are as they are; `null` is what a row cannot have.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};

use super::{Output, Record, Sink};

/// So many rows make a group.
const GROUP: usize = 65_536;

const SCHEMA: &str = "message watcher {
    required int64 start (TIMESTAMP(MILLIS, true));
    required int64 start_unix;
    required int64 seconds;
    required binary level (STRING);
    required binary kind (STRING);
    optional binary application (STRING);
    optional binary rule (STRING);
    optional binary process (STRING);
    optional int32 pid (INTEGER(32, false));
    optional int32 uid (INTEGER(32, false));
    optional binary user (STRING);
    optional binary domain (STRING);
    optional binary interface (STRING);
    optional boolean apart;
    required binary scope (STRING);
    required int64 rx_bytes (INTEGER(64, false));
    required int64 tx_bytes (INTEGER(64, false));
    optional int64 rx_peak (INTEGER(64, false));
    optional int64 tx_peak (INTEGER(64, false));
    required boolean estimated;
}";

pub struct Parquet {
    to: SerializedFileWriter<Output>,
    rows: Vec<Record>,
    has_gone: Arc<AtomicBool>,
}

impl Parquet {
    pub fn new(output: Output) -> anyhow::Result<Self> {
        let has_gone = output.has_gone();
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("watcher ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let to = SerializedFileWriter::new(output, schema, Arc::new(properties))?;
        Ok(Self { to, rows: Vec::new(), has_gone })
    }

    fn group(&mut self) -> anyhow::Result<()> {
        let (to, rows) = (&mut self.to, &self.rows);
        write(to, rows).map_err(|e| because(e, &self.has_gone))?;
        self.rows.clear();
        Ok(())
    }
}

impl Sink for Parquet {
    fn row(&mut self, record: &Record) -> anyhow::Result<()> {
        self.rows.push(record.clone());
        if self.rows.len() < GROUP { Ok(()) } else { self.group() }
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<Output> {
        if !self.rows.is_empty() {
            self.group()?;
        }
        let Self { to, has_gone, .. } = *self;
        to.into_inner().map_err(|e| because(e, &has_gone))
    }
}

/// Parquet's errors keep of the cause its words only.
fn because(error: ParquetError, has_gone: &AtomicBool) -> anyhow::Error {
    if has_gone.load(Ordering::Relaxed) {
        return anyhow::Error::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    }
    anyhow::Error::new(error).context("writing Parquet")
}

fn write(to: &mut SerializedFileWriter<Output>, rows: &[Record]) -> Result<(), ParquetError> {
    let mut group = Group { to: to.next_row_group()?, rows };
    group.all::<Int64Type>(|row| row.start_unix * 1_000)?;
    group.all::<Int64Type>(|row| row.start_unix)?;
    group.all::<Int64Type>(|row| row.seconds)?;
    group.all::<ByteArrayType>(|row| row.level.into())?;
    group.all::<ByteArrayType>(|row| row.kind.into())?;
    group.some::<ByteArrayType>(|row| text(row.application.as_deref()))?;
    group.some::<ByteArrayType>(|row| text(row.rule.as_deref()))?;
    group.some::<ByteArrayType>(|row| text(row.process.as_deref()))?;
    // Unsigned numbers are stored as the signed ones of the same bits.
    group.some::<Int32Type>(|row| row.pid.map(u32::cast_signed))?;
    group.some::<Int32Type>(|row| row.uid.map(u32::cast_signed))?;
    group.some::<ByteArrayType>(|row| text(row.user.as_deref()))?;
    group.some::<ByteArrayType>(|row| text(row.domain.as_deref()))?;
    group.some::<ByteArrayType>(|row| text(row.interface.as_deref()))?;
    group.some::<BoolType>(|row| row.apart)?;
    group.all::<ByteArrayType>(|row| row.scope.into())?;
    group.all::<Int64Type>(|row| row.rx_bytes.cast_signed())?;
    group.all::<Int64Type>(|row| row.tx_bytes.cast_signed())?;
    group.some::<Int64Type>(|row| row.rx_peak.map(u64::cast_signed))?;
    group.some::<Int64Type>(|row| row.tx_peak.map(u64::cast_signed))?;
    group.all::<BoolType>(|row| row.estimated)?;
    group.to.close().map(drop)
}

fn text(text: Option<&str>) -> Option<ByteArray> {
    text.map(ByteArray::from)
}

struct Group<'a> {
    to: SerializedRowGroupWriter<'a, Output>,
    rows: &'a [Record],
}

impl Group<'_> {
    /// The next column, which every row has.
    fn all<T: DataType>(&mut self, value: impl Fn(&Record) -> T::T) -> Result<(), ParquetError> {
        let values: Vec<T::T> = self.rows.iter().map(value).collect();
        self.column::<T>(&values, None)
    }

    /// The next column, which some rows have.
    fn some<T: DataType>(&mut self, value: impl Fn(&Record) -> Option<T::T>) -> Result<(), ParquetError> {
        let found: Vec<Option<T::T>> = self.rows.iter().map(value).collect();
        let levels: Vec<i16> = found.iter().map(|value| i16::from(value.is_some())).collect();
        let values: Vec<T::T> = found.into_iter().flatten().collect();
        self.column::<T>(&values, Some(&levels))
    }

    fn column<T: DataType>(&mut self, values: &[T::T], levels: Option<&[i16]>) -> Result<(), ParquetError> {
        let next = self.to.next_column()?;
        let mut column = next.ok_or_else(|| ParquetError::General("more columns than the schema has".to_owned()))?;
        column.typed::<T>().write_batch(values, levels, None)?;
        column.close()
    }
}

//! From bytes to a [`Message`]. Names, addresses and service records are read by hickory; the walk over the records is ours,
//! so that one odd or cut record costs only itself.

use std::net::IpAddr;

use hickory_proto::rr::rdata::svcb::SvcParamValue;
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder, Restrict};

use super::{Answer, Data, MAX_ANSWERS, Message, Question};
use crate::names::parse::reader::Reader;

/// The longest message: its length has 16 bits over TCP, and offsets have them everywhere.
const MAX_LEN: usize = u16::MAX as usize;

/// Addresses of a service record that are kept.
const MAX_HINTS: usize = 16;

const CLASS_IN: u16 = 1;
const CLASS_ANY: u16 = 255;
const TYPE_OPT: u16 = 41;

/// Header fields (RFC 1035, 4.1.1).
struct Header {
    id: u16,
    flags: u16,
    questions: u16,
    answers: u16,
    /// Of the authority and the additional section together.
    others: u32,
}

impl Header {
    const LEN: usize = 12;

    /// The header of a query or of its response; other operations are of no use here.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let header = Self {
            id: reader.u16()?,
            flags: reader.u16()?,
            questions: reader.u16()?,
            answers: reader.u16()?,
            others: u32::from(reader.u16()?) + u32::from(reader.u16()?),
        };
        let opcode = (header.flags >> 11) & 0xf;
        (opcode == 0).then_some(header)
    }
}

/// Reads a message (RFC 1035, 4). `None` unless it has exactly one question and that is whole.
///
/// A message that ends early, or whose counts promise more than there is, gives the answers that are whole. An answer whose
/// data cannot be read is [`Data::Other`]. The work is bounded by [`MAX_ANSWERS`] and by a name's 255 bytes: a chain of
/// compression pointers leads backwards only.
#[must_use]
pub fn message(bytes: &[u8]) -> Option<Message> {
    let bytes = bytes.get(..MAX_LEN).unwrap_or(bytes);
    let header = Header::read(bytes)?;
    if header.questions != 1 {
        return None;
    }
    let mut walk = Walk { bytes, at: Header::LEN };
    let question = walk.question()?;
    let mut message = Message {
        id: header.id,
        response: header.flags & 0x8000 != 0,
        truncated: header.flags & 0x0200 != 0,
        rcode: header.flags & 0xf,
        question,
        answers: Vec::new(),
    };
    for index in 0..u32::from(header.answers) + header.others {
        let is_answer = index < u32::from(header.answers) && message.answers.len() < MAX_ANSWERS;
        let Some(record) = walk.record(is_answer) else { break };
        if is_answer {
            message.answers.extend(record.answer(bytes));
        } else if record.kind == TYPE_OPT {
            // RFC 6891, 6.1.3: the upper eight of twelve bits.
            message.rcode |= u16::from(record.ttl.to_be_bytes()[0]) << 4;
            break;
        }
    }
    Some(message)
}

/// Whether the bytes are a DNS message with any number of questions, as multicast DNS has them (RFC 6762, 18). Random bytes
/// are one with odds of about 2^-40: opcode, response code, three of four counts and the class of the first record.
#[must_use]
pub fn is_message(bytes: &[u8]) -> bool {
    let bytes = bytes.get(..MAX_LEN).unwrap_or(bytes);
    let Some(header) = Header::read(bytes) else { return false };
    let records = u32::from(header.questions) + u32::from(header.answers) + header.others;
    if header.flags & 0x000f > 10 || !(1..=512).contains(&records) {
        return false;
    }
    let mut walk = Walk { bytes, at: Header::LEN };
    let class =
        if header.questions > 0 { walk.kind_and_class() } else { walk.record(false).map(|r| (r.kind, r.class)) };
    // The top bit is multicast DNS's own (RFC 6762, 5.4 and 10.2).
    class.is_some_and(|(kind, class)| kind == TYPE_OPT || matches!(class & 0x7fff, CLASS_IN | CLASS_ANY))
}

/// Where in the message the next record begins.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A record whose data has not been read.
struct Record {
    name: Option<Box<str>>,
    kind: u16,
    class: u16,
    ttl: u32,
    data: std::ops::Range<usize>,
}

impl<'a> Walk<'a> {
    fn reader(&self) -> Option<Reader<'a>> {
        Some(Reader::new(self.bytes.get(self.at..)?))
    }

    fn take(&mut self, reader: Reader<'_>) {
        self.at = self.bytes.len() - reader.len();
    }

    /// Skips a name without following it.
    fn skip_name(&mut self) -> Option<()> {
        let mut reader = self.reader()?;
        loop {
            match reader.u8()? {
                0 => break,
                length @ 1..=63 => drop(reader.take(length.into())?),
                0xc0.. => {
                    reader.u8()?;
                    break;
                }
                _ => return None,
            }
        }
        self.take(reader);
        Some(())
    }

    fn name(&mut self) -> Option<Box<str>> {
        let (name, end) = name_at(self.bytes, self.at)?;
        self.at = end;
        Some(name)
    }

    fn kind_and_class(&mut self) -> Option<(u16, u16)> {
        self.skip_name()?;
        let mut reader = self.reader()?;
        let pair = (reader.u16()?, reader.u16()?);
        self.take(reader);
        Some(pair)
    }

    fn question(&mut self) -> Option<Question> {
        let name = self.name()?;
        let mut reader = self.reader()?;
        let kind = reader.u16()?;
        reader.u16()?;
        self.take(reader);
        Some(Question { name, kind })
    }

    /// The next record, if all of it is there; with the name that it has if that is asked for.
    fn record(&mut self, with_name: bool) -> Option<Record> {
        let name = if with_name { Some(self.name()?) } else { self.skip_name().map(|()| None)? };
        let mut reader = self.reader()?;
        let (kind, class, ttl) = (reader.u16()?, reader.u16()?, reader.u32()?);
        let length = reader.vec16()?.len();
        self.take(reader);
        Some(Record { name, kind, class, ttl, data: self.at - length..self.at })
    }
}

impl Record {
    fn answer(self, bytes: &[u8]) -> Option<Answer> {
        let data = self.read_data(bytes).unwrap_or(Data::Other(self.kind));
        Some(Answer { name: self.name?, ttl: self.ttl, data })
    }

    fn read_data(&self, bytes: &[u8]) -> Option<Data> {
        let kind = RecordType::from(self.kind);
        let read = matches!(
            kind,
            RecordType::A
                | RecordType::AAAA
                | RecordType::CNAME
                | RecordType::PTR
                | RecordType::SVCB
                | RecordType::HTTPS
        );
        if !read || self.class & 0x7fff != CLASS_IN {
            return None;
        }
        let mut decoder = BinDecoder::new(bytes.get(..self.data.end)?).clone(u16::try_from(self.data.start).ok()?);
        let length = u16::try_from(self.data.len()).ok()?;
        match RData::read(&mut decoder, kind, Restrict::new(length)).ok()? {
            RData::A(address) => Some(Data::V4(address.0)),
            RData::AAAA(address) => Some(Data::V6(address.0)),
            RData::CNAME(name) => Some(Data::Alias(text(&name.0))),
            RData::PTR(name) => Some(Data::Pointer(text(&name.0))),
            RData::HTTPS(https) => Some(service(&https.0.target_name, &https.0.svc_params)),
            RData::SVCB(svcb) => Some(service(&svcb.target_name, &svcb.svc_params)),
            _ => None,
        }
    }
}

/// RFC 9460, 2.
fn service<K>(target: &Name, parameters: &[(K, SvcParamValue)]) -> Data {
    let mut hints = Vec::new();
    let mut ech = false;
    for (_, value) in parameters {
        match value {
            SvcParamValue::Ipv4Hint(list) => hints.extend(list.0.iter().map(|address| IpAddr::V4(address.0))),
            SvcParamValue::Ipv6Hint(list) => hints.extend(list.0.iter().map(|address| IpAddr::V6(address.0))),
            SvcParamValue::EchConfigList(_) => ech = true,
            _ => {}
        }
    }
    hints.truncate(MAX_HINTS);
    Data::Service { target: text(target), hints, ech }
}

/// The name that begins at an offset, and where what follows it begins.
fn name_at(bytes: &[u8], at: usize) -> Option<(Box<str>, usize)> {
    if at > bytes.len() {
        return None;
    }
    let mut decoder = BinDecoder::new(bytes).clone(u16::try_from(at).ok()?);
    let name = Name::read(&mut decoder).ok()?;
    Some((text(&name), decoder.index()))
}

/// As [`Question::name`] tells it. Hickory's own text keeps what it takes for printable.
fn text(name: &Name) -> Box<str> {
    let mut text = String::with_capacity(name.len());
    for (index, label) in name.iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        for byte in label {
            match byte.to_ascii_lowercase() {
                b @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') => text.push(char::from(b)),
                b @ 0x21..=0x7e => text.extend(['\\', char::from(b)]),
                b => text.push_str(&format!("\\{b:03}")),
            }
        }
    }
    text.into()
}

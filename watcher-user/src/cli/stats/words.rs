//! The words of `stats`: each is parsed once, here.

use clap::ValueEnum;
use watcher_core::history::{By, Sort, Step};

use crate::stats::Period;

/// The words after `stats`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum View {
    /// Rows are applications.
    Apps,
    /// Rows are processes.
    Processes,
    /// Rows are domains.
    Domains,
    /// Rows are interfaces.
    Interfaces,
    /// Rows are users.
    Users,
    /// Since midnight.
    Today,
    /// Since Monday.
    Week,
    /// Since the first.
    Month,
    /// All there is.
    All,
}

impl View {
    pub fn by(self) -> Option<By> {
        Some(match self {
            Self::Apps => By::Application,
            Self::Processes => By::Process,
            Self::Domains => By::Domain,
            Self::Interfaces => By::Interface,
            Self::Users => By::User,
            Self::Today | Self::Week | Self::Month | Self::All => return None,
        })
    }

    pub fn period(self) -> Option<Period> {
        Some(match self {
            Self::Today => Period::Today,
            Self::Week => Period::Week,
            Self::Month => Period::Month,
            Self::All => Period::All,
            Self::Apps | Self::Processes | Self::Domains | Self::Interfaces | Self::Users => return None,
        })
    }
}

/// What `--by` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rows {
    App,
    Process,
    Domain,
    Interface,
    User,
}

impl From<Rows> for By {
    fn from(rows: Rows) -> Self {
        match rows {
            Rows::App => Self::Application,
            Rows::Process => Self::Process,
            Rows::Domain => Self::Domain,
            Rows::Interface => Self::Interface,
            Rows::User => Self::User,
        }
    }
}

/// What `--sort` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Order {
    #[default]
    Total,
    Down,
    Up,
    PeakDown,
    PeakUp,
    Name,
}

impl From<Order> for Sort {
    fn from(order: Order) -> Self {
        match order {
            Order::Total => Self::Total,
            Order::Down => Self::Downloaded,
            Order::Up => Self::Uploaded,
            Order::PeakDown => Self::PeakDown,
            Order::PeakUp => Self::PeakUp,
            Order::Name => Self::Name,
        }
    }
}

/// What stands after `--graph`: in `--graph today` it is the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOrView {
    Step(Step),
    View(View),
}

impl StepOrView {
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "second" => Self::Step(Step::Second),
            "minute" => Self::Step(Step::Minute),
            "hour" => Self::Step(Step::Hour),
            "day" => Self::Step(Step::Day),
            _ => Self::View(View::from_str(text, false).map_err(|_| "expected second, minute, hour or day")?),
        })
    }
}

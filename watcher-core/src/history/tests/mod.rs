mod calendar;
mod ledger;
mod plan;

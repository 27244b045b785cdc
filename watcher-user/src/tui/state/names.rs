//! Names for numbers, and numbers where names are not wanted.

use std::sync::Arc;

use crate::{names::Geo, services::Services, users::Users};

/// Both ways of naming users, and names of ports.
#[derive(Debug)]
pub struct Names {
    named: Users,
    numbered: Users,
    services: Services,
    geo: Arc<Geo>,
}

impl Names {
    /// With these names.
    #[must_use]
    pub fn new(users: Users, services: Services) -> Self {
        Self { named: users, numbered: Users::numeric(), services, geo: Arc::default() }
    }

    /// Those of this machine.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Users::system(), Services::system())
    }

    /// The same, and where addresses are.
    #[must_use]
    pub fn with(self, geo: Arc<Geo>) -> Self {
        Self { geo, ..self }
    }

    /// Where addresses are.
    #[must_use]
    pub fn geo(&self) -> &Geo {
        &self.geo
    }

    /// Users by name, or by number.
    #[must_use]
    pub fn users(&self, by_name: bool) -> &Users {
        if by_name { &self.named } else { &self.numbered }
    }

    /// Names of ports, where they are wanted.
    #[must_use]
    pub fn services(&self, by_name: bool) -> Option<&Services> {
        by_name.then_some(&self.services)
    }
}

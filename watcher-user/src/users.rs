//! Names of users, each looked up once.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use nix::unistd::{Uid, User};

/// From a number to a name.
pub type LookUp = fn(u32) -> Option<String>;

/// Names of users. A user without a name goes by number.
#[derive(Debug)]
pub struct Users {
    names: RefCell<HashMap<u32, Rc<str>>>,
    look_up: LookUp,
}

impl Users {
    /// Those of this machine, through the name service.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|uid| User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name))
    }

    /// Numbers only.
    #[must_use]
    pub fn numeric() -> Self {
        Self::new(|_| None)
    }

    /// Those that `look_up` knows.
    #[must_use]
    pub fn new(look_up: LookUp) -> Self {
        Self { names: RefCell::default(), look_up }
    }

    /// The name to show.
    #[must_use]
    pub fn name(&self, uid: u32) -> Rc<str> {
        let mut names = self.names.borrow_mut();
        let name = names.entry(uid).or_insert_with(|| (self.look_up)(uid).unwrap_or_else(|| uid.to_string()).into());
        Rc::clone(name)
    }
}

#[cfg(test)]
mod tests {
    use super::Users;

    #[test]
    fn a_user_without_a_name_goes_by_number() {
        assert_eq!(&*Users::system().name(0), "root");
        assert_eq!(&*Users::system().name(4_000_000_001), "4000000001");
        assert_eq!(&*Users::numeric().name(0), "0");
    }
}

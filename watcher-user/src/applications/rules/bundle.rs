//! The outermost `.app` that the executable is in.

use watcher_core::{Application, NamedBy};

use crate::applications::{Facts, decide::found};

/// `/Applications/Foo.app/Contents/Frameworks/Foo Helper.app/…` is Foo.
pub fn name(facts: &Facts) -> Option<Application> {
    let path = facts.executable.as_deref()?;
    // A folder called so is a bundle when it has what a bundle has; an iOS application on macOS lies in Wrapper/.
    let end = path.match_indices(".app/").find(|(at, _)| {
        let rest = &path[at + ".app/".len()..];
        rest.starts_with("Contents/") || rest.starts_with("Wrapper/")
    });
    let bundle = &path[..end?.0];
    let name = bundle.rsplit('/').next().filter(|name| !name.is_empty())?;
    Some(found(NamedBy::Bundle, name, format!("{bundle}.app")))
}

//! Notifications of the desktop.

#[cfg(target_os = "linux")]
use std::time::Duration;

use thiserror::Error;

/// For the session bus to take it.
#[cfg(target_os = "linux")]
const WITHIN: Duration = Duration::from_secs(5);

/// It is not on the screen.
#[derive(Debug, Error)]
pub enum DesktopError {
    /// Nobody takes notifications.
    #[cfg(target_os = "linux")]
    #[error(
        "no desktop takes it: {0}; a service has no session of its own, a command can tell people there (docs/alerts.md)"
    )]
    Refused(String),
    /// Somebody does not answer.
    #[cfg(target_os = "linux")]
    #[error("the session bus did not answer within {WITHIN:?}")]
    Silent,
    /// Not on this system.
    #[cfg(not(target_os = "linux"))]
    #[error("desktop notifications are not made on this system yet: a command can show one (docs/alerts.md)")]
    Unsupported,
}

/// Shows it. `title` and `body` are printable; `body` is escaped.
#[cfg(target_os = "linux")]
pub async fn show(title: &str, body: &str) -> Result<(), DesktopError> {
    let mut notification = notify_rust::Notification::new();
    notification.appname("watcher").summary(title).body(body).icon("network-error");
    match tokio::time::timeout(WITHIN, notification.show_async()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(DesktopError::Refused(error.to_string())),
        Err(_) => Err(DesktopError::Silent),
    }
}

/// Says that it cannot.
#[cfg(not(target_os = "linux"))]
pub async fn show(_: &str, _: &str) -> Result<(), DesktopError> {
    Err(DesktopError::Unsupported)
}

//! From flags and questions to what is wanted.

use std::io::{BufRead, Write};

use watcher_core::rollup::Commands;

use super::{accounts, args::SetupArgs, ask::Asker, config_file::Setting, plan::Answers};
use crate::config::{Config, Mode};

/// What an answer to "which user" is when it is nobody.
const NO_ONE: &str = "none";

/// What only the machine can tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// Who called sudo.
    pub sudo_user: Option<String>,
    /// It is the running system, and something starts services here.
    pub can_start: bool,
    /// It is the running system: users can be changed.
    pub is_live: bool,
}

impl SetupArgs {
    /// What the flags say; the rest is as `config` has it, and started.
    #[must_use]
    pub fn answers(&self, config: &Config) -> Answers {
        let mut settings = Vec::new();
        let upload = self.upload || self.upload_url.is_some();
        if self.no_upload || upload {
            switch(&mut settings, config, upload);
        }
        if let Some(url) = &self.upload_url {
            aim(&mut settings, config, url);
        }
        if let Some(commands) = &self.commands {
            name_commands(&mut settings, config, commands);
        }
        if let Some(hostname) = self.hostname {
            name_host(&mut settings, config, hostname);
        }
        Answers { settings, operator: self.operator.clone(), start: !self.no_start }
    }

    fn says_whether_to_upload(&self) -> bool {
        self.upload || self.no_upload || self.upload_url.is_some()
    }
}

/// Asks for what no flag says. `sample` writes what an upload would hold; it is called before the question.
///
/// # Errors
/// Nobody answers.
pub fn ask<R: BufRead, W: Write>(
    asker: &mut Asker<R, W>,
    args: &SetupArgs,
    config: &Config,
    around: &Surroundings,
    sample: impl FnOnce(&mut W) -> anyhow::Result<()>,
) -> anyhow::Result<Answers> {
    let mut answers = args.answers(config);
    if !args.says_whether_to_upload() {
        sample(&mut asker.output)?;
        let on = config.upload.destination().is_some();
        let every = config.upload.interval.as_secs() / 60;
        let wanted = asker.yes_or_no(&format!("Upload one such report every {every} minutes?"), on)?;
        switch(&mut answers.settings, config, wanted);
        if wanted {
            ask_how(asker, args, config, &mut answers)?;
        }
    }
    if around.is_live && args.operator.is_none() {
        let default = around.sudo_user.as_deref().unwrap_or(NO_ONE);
        let check = |name: &str| if name == NO_ONE { Ok(()) } else { accounts::check_user(name) };
        let name = asker.text("Which user may ask the running watcher without sudo?", default, check)?;
        answers.operator = Some(name).filter(|name| name != NO_ONE);
    }
    if around.can_start && !args.no_start {
        answers.start = asker.yes_or_no("Start it now, and whenever this machine boots?", true)?;
    }
    Ok(answers)
}

fn ask_how<R: BufRead, W: Write>(
    asker: &mut Asker<R, W>,
    args: &SetupArgs,
    config: &Config,
    answers: &mut Answers,
) -> anyhow::Result<()> {
    let url = asker.text("Where to?", config.upload.configured_url(), check_url)?;
    aim(&mut answers.settings, config, &url);
    if args.commands.is_none() {
        let check = |word: &str| match word {
            "full" | "name" | "none" => Ok(()),
            _ => Err("please answer full, name or none".to_owned()),
        };
        let question = "Command lines, which can hold secrets: in full, the program's name, or none?";
        let commands = asker.text(question, word(config.privacy.commands), check)?;
        name_commands(&mut answers.settings, config, &commands);
    }
    if args.hostname.is_none() {
        let hostname = asker.yes_or_no("Tell the name of this machine?", config.privacy.hostname)?;
        name_host(&mut answers.settings, config, hostname);
    }
    Ok(())
}

/// Whether rollups can go there.
///
/// # Errors
/// They cannot, in words.
pub fn check_url(url: &str) -> Result<(), String> {
    let checked = Config::defaults(Mode::Normal).flag("--upload-url", "upload.url", url);
    checked.map(drop).map_err(|error| error.to_string())
}

fn switch(settings: &mut Vec<Setting>, config: &Config, on: bool) {
    if config.upload.destination().is_some() != on {
        settings.push(Setting::flag("upload.enabled", on));
    }
}

fn aim(settings: &mut Vec<Setting>, config: &Config, url: &str) {
    if config.upload.configured_url() != url {
        settings.push(Setting::text("upload.url", url));
    }
}

fn name_commands(settings: &mut Vec<Setting>, config: &Config, commands: &str) {
    if word(config.privacy.commands) != commands {
        settings.push(Setting::text("privacy.commands", commands));
    }
}

fn name_host(settings: &mut Vec<Setting>, config: &Config, hostname: bool) {
    if config.privacy.hostname != hostname {
        settings.push(Setting::flag("privacy.hostname", hostname));
    }
}

fn word(commands: Commands) -> &'static str {
    match commands {
        Commands::Full => "full",
        Commands::Name => "name",
        Commands::None => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::defaults(Mode::Normal)
    }

    fn interview(args: &SetupArgs, config: &Config, said: &str) -> (Answers, String) {
        let mut asker = Asker::new(said.as_bytes(), Vec::new());
        let around = Surroundings { sudo_user: Some("root".into()), can_start: true, is_live: true };
        let sample = |out: &mut Vec<u8>| Ok(out.extend(b"SAMPLE\n"));
        let answers = ask(&mut asker, args, config, &around, sample).unwrap();
        (answers, String::from_utf8(asker.output).unwrap())
    }

    fn lines(answers: &Answers) -> Vec<String> {
        answers.settings.iter().map(|setting| format!("{}={}", setting.key, setting.value)).collect()
    }

    #[test]
    fn defaults_upload_nothing() {
        let (answers, shown) = interview(&SetupArgs::default(), &config(), "\n\n\n");
        assert_eq!(answers, Answers { operator: Some("root".into()), start: true, settings: Vec::new() });
        assert!(shown.starts_with("SAMPLE\nUpload one such report every 15 minutes? [y/N] "), "{shown}");
        assert_eq!(SetupArgs::default().answers(&config()), Answers { start: true, ..Answers::default() });
    }

    #[test]
    fn who_says_yes_is_asked_how() {
        let (answers, shown) =
            interview(&SetupArgs::default(), &config(), "y\nhttps://x\nall\nnone\nn\nnobody-of-that-name\nnone\nno\n");
        let settings =
            ["upload.enabled=true", "upload.url=\"https://x\"", "privacy.commands=\"none\"", "privacy.hostname=false"];
        assert_eq!(lines(&answers), settings);
        assert_eq!((answers.operator, answers.start), (None, false));
        assert!(shown.contains("please answer full, name or none") && shown.contains("there is no user"), "{shown}");
    }

    #[test]
    fn what_a_flag_says_is_not_asked() {
        let args = SetupArgs {
            upload_url: Some("https://y/".into()),
            operator: Some("root".into()),
            no_start: true,
            ..SetupArgs::default()
        };
        let (answers, shown) = interview(&args, &config(), "");
        assert_eq!(lines(&answers), ["upload.enabled=true", "upload.url=\"https://y/\""]);
        assert_eq!((shown.as_str(), answers.start), ("", false));
    }

    #[test]
    fn what_is_so_already_is_no_change() {
        let on = config().text(std::path::Path::new("x"), "upload.url = \"https://y/\"").unwrap();
        let args = SetupArgs { upload: true, upload_url: Some("https://y/".into()), ..SetupArgs::default() };
        assert!(args.answers(&on).settings.is_empty());
        let off = SetupArgs { no_upload: true, ..SetupArgs::default() };
        assert_eq!(lines(&off.answers(&on)), ["upload.enabled=false"]);
        assert!(off.answers(&config()).settings.is_empty());
        let (answers, shown) = interview(&SetupArgs::default(), &on, "\n\n\n\n\n\n");
        assert!(answers.settings.is_empty() && shown.contains("[Y/n]"), "{shown}");
    }

    #[test]
    fn a_wrong_address_is_told() {
        assert!(check_url("ftp://x").unwrap_err().starts_with("--upload-url: expected a URL"));
        assert_eq!(check_url(crate::config::DEFAULT_URL), Ok(()));
    }
}

//! Answers that teach nothing.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use anyhow::{Result, bail};

use super::Case;
use crate::{
    message::{NO_SUCH_NAME, answer, query},
    row::Known,
    scene::{SERVER, Scene},
    serving::Server,
};

pub const CASES: &[Case] = &[Case::new("answers_that_nobody_asked_for_teach_nothing", lies)];

const ASKED: u16 = 0x1234;

fn lies(scene: &mut Scene<'_>) -> Result<()> {
    let client = scene.here.within(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
    let server = scene.there.within(|| Ok(UdpSocket::bind((SERVER, 53))?))?;
    let stranger = (scene.address(250)?, 53);
    let stranger = scene.there.within(|| Ok(UdpSocket::bind(stranger)?))?;
    let greeter = Server::greets(&scene.there, Ipv4Addr::UNSPECIFIED.into())?;
    let (name, other) = (scene.domain("asked"), scene.domain("other"));
    let to = (Ipv4Addr::new(10, 77, 0, 1), client.local_addr()?.port());
    let mut buffer = [0; 512];
    let mut last = 0;
    let mut next = || -> Result<Ipv4Addr> {
        last += 1;
        match scene.address(last)? {
            IpAddr::V4(address) => Ok(address),
            IpAddr::V6(address) => bail!("{address}"),
        }
    };
    let mut said = |from: &UdpSocket, bytes: &[u8]| -> Result<()> {
        from.send_to(bytes, to)?;
        client.recv(&mut buffer)?;
        Ok(())
    };

    let unasked = next()?;
    said(&server, &answer(ASKED, 0, &name, &[(&name, unasked)]))?;

    client.send_to(&query(ASKED, &name), (SERVER, 53))?;
    server.recv(&mut [0; 512])?;
    let lies = [next()?, next()?, next()?, next()?, next()?];
    said(&server, &answer(ASKED + 1, 0, &name, &[(&name, lies[0])]))?;
    said(&stranger, &answer(ASKED, 0, &name, &[(&name, lies[1])]))?;
    said(&server, &answer(ASKED, 0, &other, &[(&other, lies[2])]))?;
    let truth = next()?;
    said(&server, &answer(ASKED, 0, &name, &[(&name, truth), (&other, lies[3])]))?;
    // It was answered.
    said(&server, &answer(ASKED, 0, &name, &[(&name, lies[4])]))?;

    client.send_to(&query(ASKED, &other), (SERVER, 53))?;
    server.recv(&mut [0; 512])?;
    let denied = next()?;
    said(&server, &answer(ASKED, NO_SUCH_NAME, &other, &[(&other, denied)]))?;

    for lie in [&[unasked, denied][..], &lies].concat() {
        assert_eq!(scene.visit(&lie.to_string(), greeter.port()?)?, Known::default(), "{lie}");
    }
    assert_eq!(scene.visit(&truth.to_string(), greeter.port()?)?, Known::asked(&name, "host-dns"));
    Ok(())
}

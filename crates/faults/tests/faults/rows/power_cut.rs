//! The power goes while devices write: the server's disk is copied as it is at that moment, and another server starts
//! over the copy.
//!
//! The data lies on a file that is mounted as a file system. At a random moment the server is stopped where it stands
//! and the file is copied; nothing is flushed by that, and the copy is made again where the system wrote something of
//! its own accord meanwhile. So the copy has what the server flushed and lacks what only the page cache had. Then a
//! server that flushes less has to lose something, or this would notice nothing.

use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

use crate::stage::image::{Disk, impossible};
use crate::stage::ledger::Found;
use crate::stage::process::{House, Program};
use crate::stage::scene::{Scene, Work};
use crate::stage::{between, ledger};
use crate::{Outcome, Size};

/// Of the disk.
const MEBIBYTES: u64 = 192;

pub(crate) async fn play(size: Size) -> Outcome {
    if let Some(why) = impossible() {
        return Outcome::NotPlayed(why.to_owned());
    }
    let cuts = size.pick(2, 20);
    let (writers, found) = cut_often(size, Program::Real, cuts).await;
    let mut acknowledged = 0;
    for found in found {
        found.assert_whole();
        acknowledged += found.acknowledged;
    }
    assert!(acknowledged > 0, "nothing was acknowledged");
    Outcome::Played(format!(
        "{cuts} cuts, {writers} writers, {acknowledged} acknowledged: 0 lost, 0 doubled, 0 reordered"
    ))
}

pub(crate) async fn play_unflushed(size: Size) -> Outcome {
    if let Some(why) = impossible() {
        return Outcome::NotPlayed(why.to_owned());
    }
    // A cut that falls right behind a checkpoint takes nothing, so there are several.
    let cuts = size.pick(6, 10);
    let (writers, found) = cut_often(size, Program::Unflushed, cuts).await;
    let lost: Vec<usize> = found.iter().map(|found| found.lost).collect();
    let acknowledged: usize = found.iter().map(|found| found.acknowledged).sum();
    let all: usize = lost.iter().sum();
    assert!(
        all > 0,
        "no cut takes anything, so that this test would notice nothing"
    );
    Outcome::Played(format!(
        "{} cuts with synchronous=NORMAL, {writers} writers, {acknowledged} acknowledged: {all} lost (by cut: {lost:?}), \
         as it has to be",
        lost.len()
    ))
}

/// Cuts the power several times, each time beginning with the same disk; how many wrote, and what each cut left.
async fn cut_often(size: Size, program: Program, cuts: usize) -> (usize, Vec<Found>) {
    let writers = size.pick(8, 64);
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::make(folder.path(), "first", MEBIBYTES);
    let house = House::build(&disk.folder, None);
    let (server, _) = house.open(program).await;
    let scene = Scene::set(&house, writers).await;
    server.stop();
    let image = disk.unmount();

    let mut found = Vec::new();
    for number in 0..cuts {
        let one = cut(&scene, &image, program, number).await;
        found.push(one);
        // To see that it bites takes one that does.
        if size == Size::Short && one.lost > 0 {
            break;
        }
    }
    (writers, found)
}

/// One power cut.
async fn cut(scene: &Scene, image: &Path, program: Program, number: usize) -> Found {
    let before = image.with_file_name(format!("before{number}.img"));
    std::fs::copy(image, &before).expect("room for a disk");
    let disk = Disk::mount(&before);
    let house = House::build(&disk.folder, None);
    let (server, _) = house.open(program).await;
    let work = Work::begin(house.door(), scene.writers(), scene.reader());
    sleep(Duration::from_millis(between(1_000, 4_000))).await;

    server.freeze();
    let after = disk.cut(&format!("after{number}"));
    // What was answered before is heard before the connections break.
    sleep(Duration::from_millis(200)).await;
    work.halt();
    server.kill();
    let (writers, _) = work.halted().await;
    house.assert_no_panic();
    drop(disk);

    let disk = Disk::mount(&after);
    let house = House::build(&disk.folder, None);
    let (server, _) = house.open(program).await;
    let found = ledger::compare(&writers, &scene.kept(house.door()).await);
    if program == Program::Real {
        // And it goes on from there: what was not acknowledged is sent again.
        let work = Work::begin(house.door(), writers, scene.reader());
        sleep(Duration::from_millis(200)).await;
        let (writers, reader) = work.finish().await;
        let kept = scene.kept(house.door()).await;
        ledger::compare(&writers, &kept).assert_whole();
        reader.assert_read(&kept);
    }
    server.stop();
    house.assert_no_panic();
    drop(disk);
    for used in [before, after] {
        std::fs::remove_file(used).expect("a copy of ours");
    }
    found
}

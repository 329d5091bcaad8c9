//! The made-up people as the files that partners' systems export, and the mappings that read them.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::ToSpan;
use jiff::civil::Date;

use super::people::{Award, Fate, People, Record, Term, Worker};

const ENROLMENT: &str = include_str!("../../examples/mappings/banner-enrolment.toml");
const AWARDS: &str = include_str!("../../examples/mappings/banner-awards.toml");
const EXITS: &str = include_str!("../../examples/mappings/exits.toml");
const HIRES: &str = include_str!("../../examples/mappings/workday-hires.toml");

const README: &str = "\
Everything in this folder is SYNTHETIC: the people, their courses and their jobs are drawn from a seed by
`sumac demo`. Nobody in here is real. Each folder holds what one partner's system would export, and the mapping
files with which `sumac import` reads it.
";

/// A partner's exports, each with its mapping.
pub(super) struct Exports {
    pub(super) files: Vec<PathBuf>,
    pub(super) mappings: Vec<PathBuf>,
}

/// Writes every partner's exports under `folder`, in the order of the MOU's parties: colleges, employers.
pub(super) fn write(people: &People, parties: &[&str], folder: &Path) -> io::Result<Vec<Exports>> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("README.txt"), README)?;
    let mut folders = parties.iter().map(|party| folder.join(party));
    let mut exports = Vec::new();
    for (records, folder) in people.colleges.iter().zip(folders.by_ref()) {
        exports.push(college(records, &folder)?);
    }
    for ((workers, sector), folder) in
        people.employers.iter().zip(["62", "48-49", "31-33"]).zip(folders)
    {
        exports.push(employer(workers, sector, &folder)?);
    }
    Ok(exports)
}

fn college(records: &[Record], folder: &Path) -> io::Result<Exports> {
    fs::create_dir_all(folder)?;
    let mut exports = Exports { files: Vec::new(), mappings: Vec::new() };
    exports.add(folder, "enrolment", ENROLMENT, |file| enrolments(records, file))?;
    exports.add(folder, "awards", AWARDS, |file| awards(records, file))?;
    exports.add(folder, "exits", EXITS, |file| exits(records, file))?;
    Ok(exports)
}

fn employer(workers: &[Worker], sector: &str, folder: &Path) -> io::Result<Exports> {
    fs::create_dir_all(folder)?;
    let mut exports = Exports { files: Vec::new(), mappings: Vec::new() };
    // The shipped mapping is a hospital's; the other employers are of other sectors.
    let lines = HIRES.lines().map(|line| match line.starts_with("naics2 ") {
        true => format!("naics2            = {{ value = \"{sector}\" }}\n"),
        false => format!("{line}\n"),
    });
    exports.add(folder, "hires", &lines.collect::<String>(), |file| hires(workers, file))?;
    Ok(exports)
}

impl Exports {
    fn add(
        &mut self,
        folder: &Path,
        name: &str,
        mapping: &str,
        rows: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let (file, mapping_file) =
            (folder.join(name).with_extension("csv"), folder.join(name).with_extension("toml"));
        let mut writer = BufWriter::new(File::create(&file)?);
        rows(&mut writer)?;
        writer.flush()?;
        fs::write(&mapping_file, mapping)?;
        self.files.push(file);
        self.mappings.push(mapping_file);
        Ok(())
    }
}

fn enrolments(records: &[Record], file: &mut dyn Write) -> io::Result<()> {
    writeln!(
        file,
        "STUDENT_ID,LAST_NAME,FIRST_NAME,BIRTH_DATE,GENDER,IPEDS_RACE,PELL_IND,FIRST_GEN_IND,CAMPUS,TERM_CODE,\
         TERM_START_DATE,COHORT_YEAR,COHORT_TERM,STYP_CODE,FT_PT,DEGREE_SEEKING,CIP_CODE,CREDITS_ATTEMPTED,\
         CREDITS_EARNED,OUTCOME,IPEDS_EXCLUSION,COMPLETION_TIME,RETAINED_NEXT_FALL,COMPLETED_BY_FALL"
    )?;
    for (place, record) in records.iter().enumerate() {
        let Record {
            person,
            cohort,
            entry,
            full_time,
            degree_seeking,
            field,
            fate,
            retained,
            completed_by_fall,
            exclusion,
            award,
            ..
        } = record;
        let (born, sex, race) = (american(person.born), person.sex, person.race);
        let (pell, first_gen) = (letter(person.pell), letter(person.first_gen));
        let campus = if place % 3 == 0 { "NORTH" } else { "MAIN" };
        let entered = record.terms.first().map_or(10, |term| term.part);
        let year = (cohort + 1).rem_euclid(100);
        let (pace, attempted) = if *full_time { ("F", 12) } else { ("P", 6) };
        let seeking = letter(*degree_seeking);
        let (retained, completed_by_fall) = (u8::from(*retained), u8::from(*completed_by_fall));
        let completion_time = award.as_ref().map_or("", completion_time);
        let outcome = match fate {
            Fate::Enrolled => "ENROLLED",
            Fate::Completed => "GRADUATED",
            Fate::Transferred => "TRANSFERRED",
            Fate::Left => "WITHDRAWN",
        };
        for (nth, term) in record.terms.iter().enumerate() {
            let Term { year: academic, part } = term;
            let (code, starts) = (format!("{}{part}", academic + 1), american(term.starts()));
            let earned = if (place + nth) % 4 == 0 { attempted - 3 } else { attempted };
            writeln!(
                file,
                "S{place:06},Synthetic,Learner,{born},{sex},{race},{pell},{first_gen},{campus},{code},{starts},\
                 {cohort}-{year:02},{entered},{entry},{pace},{seeking},{field},{attempted}.00,{earned}.00,\
                 {outcome},{exclusion},{completion_time},{retained},{completed_by_fall}"
            )?;
        }
    }
    Ok(())
}

/// Banner's word for how an award's time compares with the normal one.
fn completion_time(award: &Award) -> &'static str {
    let normal = match award.category {
        21 => 1,
        24 => 4,
        _ => 2,
    };
    let within = |months: i32| award.on <= award.began + months.months();
    match normal * 12 {
        months if within(months) => "100",
        months if within(months + months / 2) => "150",
        _ => "999",
    }
}

fn awards(records: &[Record], file: &mut dyn Write) -> io::Result<()> {
    writeln!(
        file,
        "STUDENT_ID,OUTCOME_STATUS,AWARD_CATEGORY,CIP_CODE,PROGRAM_START,GRADUATION_DATE,REVOKED_DATE"
    )?;
    for (place, record) in records.iter().enumerate() {
        let Some(award) = &record.award else { continue };
        let (category, field) = (award.category, record.field);
        let (began, on) = (american(award.began), american(award.on));
        writeln!(file, "S{place:06},AW,{category},{field},{began},{on},")?;
        // Banner keeps what was sought beside what was awarded; the mapping leaves it out.
        if place % 9 == 0 {
            writeln!(file, "S{place:06},SO,{category},{field},{began},,")?;
        }
    }
    Ok(())
}

fn exits(records: &[Record], file: &mut dyn Write) -> io::Result<()> {
    writeln!(
        file,
        "STUDENT_ID,PROGRAM_ENTRY,PROGRAM_EXIT,WIOA_EXCLUSION,TRAINING,PLACED_1Y,EMPLOYED_Q2,EMPLOYED_Q4"
    )?;
    for (place, record) in records.iter().enumerate() {
        let Some(exit) = &record.exit else { continue };
        let (entered, left) = (exit.entered, exit.left);
        let (training, placed) = (u8::from(exit.training), u8::from(exit.placed));
        writeln!(file, "S{place:06},{entered},{left},,{training},{placed},{placed},9")?;
    }
    Ok(())
}

fn hires(workers: &[Worker], file: &mut dyn Write) -> io::Result<()> {
    writeln!(
        file,
        "Employee ID,Worker,Worker Type,Hire Date,Termination Date,Position Type,Time Type,SOC Code,\
         Starting Base Pay Annualized,Registered Apprenticeship,Credential Issuer,Credential Type,Credential CIP"
    )?;
    for (place, worker) in workers.iter().enumerate() {
        let Worker { hired, ended, full_time, pay, soc, credential } = worker;
        let ended = ended.map_or(String::new(), |day| day.to_string());
        let time = if *full_time { "Full time" } else { "Part time" };
        let (issuer, kind, field) = credential.unwrap_or_default();
        writeln!(
            file,
            "E{place:05},Synthetic Worker,Employee,{hired},{ended},Regular,{time},{soc},{pay}.00,No,\
             {issuer},{kind},{field}"
        )?;
    }
    Ok(())
}

/// A day as Banner spools it.
fn american(day: Date) -> String {
    day.strftime("%m/%d/%Y").to_string()
}

fn letter(yes: bool) -> &'static str {
    if yes { "Y" } else { "N" }
}

//! What the agreement is, between whom, who may do what, and what for.

use super::Keeper;
use super::words::{and, capital, one_line, or};
use super::writer::Writer;
use crate::mou::{Capability, Mou, Party, PartyKind, Role};

pub(super) fn agreement(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("The agreement");
    writer.say(
        ["title", "id", "version"],
        &[Keeper::Node],
        format!(
            "This is version {} of “{}”, which every version of it calls `{}`.",
            mou.version(),
            one_line(mou.title()),
            mou.id()
        ),
    );
    writer.say(
        ["effective", "expires"],
        &[Keeper::Node],
        format!(
            "It is in force from {} to {}, both days included (UTC); on any other day no node answers by it.",
            mou.effective(),
            mou.expires()
        ),
    );
    match mou.replaces() {
        Some(hash) => writer.say(
            ["replaces"],
            &[Keeper::Node],
            format!("It replaces the version whose file has the hash {hash}, and no other."),
        ),
        None => writer.say(["version"], &[Keeper::Node], "It is the first, and replaces nothing."),
    }
    writer.say(
        ["format"],
        &[Keeper::Reading],
        "What it does not list is refused, a clause that the software cannot keep makes the whole file refused, and \
         the identity of what is signed is the SHA-256 of the file’s exact bytes.",
    );
    writer.say(
        ["format"],
        &[Keeper::Node],
        "“Learner” below means any person whose records a party holds, an employee of an employer included; a \
         “node” is the program that a party runs over its own records; a “table” is one KPI for one period, broken \
         down in one way.",
    );
    writer.say(
        ["catalogue"],
        &[Keeper::Reading],
        format!(
            "Standard KPIs, records and lists of codes mean what the catalogue says whose hash is {}.",
            crate::read::standard().hash
        ),
    );
    let terms = mou.terms();
    for law in &terms.legal {
        writer.say(
            ["agreement.legal"],
            &[Keeper::People],
            format!("The parties name as legal authority: “{}”.", one_line(law)),
        );
    }
    if let Some(hash) = terms.document {
        writer.say(
            ["agreement.document"],
            &[Keeper::People],
            format!(
                "This file restates a signed document whose hash is {hash}; disputes, liability, costs and the press \
                 are matters of that document."
            ),
        );
    }
}

pub(super) fn parties(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("The parties");
    for party in mou.parties() {
        let at = |key: &str| format!("party.{}.{key}", party.id);
        writer.say(
            [at("name"), at("kind"), at("id")],
            &[Keeper::Node],
            format!(
                "{}, {}, is called `{}` here.",
                one_line(&party.name),
                a_kind(party.kind),
                party.id
            ),
        );
        writer.say(
            [at("root")],
            &[Keeper::Node, Keeper::Backbone],
            format!(
                "Only a certificate under its root, whose fingerprint is {}, speaks for it: compare the fingerprint \
                 with the party itself, by another channel, before signing.",
                party.root
            ),
        );
        writer.say(
            [at("contacts")],
            &[Keeper::People],
            format!("Its contacts are {}.", and(&contacts(party))),
        );
        match &party.address {
            Some(address) => {
                let answers = answers(mou, party);
                let text = match answers.as_slice() {
                    [] => format!(
                        "Its node is reached at {address}, and answers no KPI of this version."
                    ),
                    some => format!("Its node is reached at {address}, and answers {}.", and(some)),
                };
                writer.say([at("address")], &[Keeper::Backbone], text);
            }
            None => writer.say(
                [at("kind")],
                &[Keeper::Node],
                "It runs no node: nothing is asked of it.",
            ),
        }
    }
}

fn contacts(party: &Party) -> Vec<String> {
    party.contacts.iter().map(|contact| one_line(contact)).collect()
}

fn answers(mou: &Mou, party: &Party) -> Vec<String> {
    let answered = mou.kpis().iter().filter(|kpi| mou.is_answered_by(kpi, &party.id));
    answered.map(|kpi| format!("`{}`", kpi.id)).collect()
}

fn a_kind(kind: PartyKind) -> &'static str {
    match kind {
        PartyKind::College => "a college",
        PartyKind::Employer => "an employer",
        PartyKind::Provider => "a provider of services to learners",
        PartyKind::Backbone => "a backbone organisation, which asks and reports",
    }
}

pub(super) fn roles(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("Who may do what");
    for role in mou.roles() {
        let clause = [format!("roles.{}", role.name)];
        let holder = holder(mou, role);
        let name = role.name.replace(['_', '-'], " ");
        let (kept, carried): (Vec<&Capability>, Vec<&Capability>) =
            role.may.iter().partition(|capability| is_kept_by_nodes(**capability));
        if kept.is_empty() && carried.is_empty() {
            writer.say(clause, &[Keeper::Node], format!("As {name}, {holder} may do nothing."));
            continue;
        }
        for (may, by) in [(kept, Keeper::Node), (carried, Keeper::People)] {
            if may.is_empty() {
                continue;
            }
            let may: Vec<_> =
                may.into_iter().map(|capability| does(*capability).to_owned()).collect();
            writer.say(&clause, &[by], format!("As {name}, {holder} may {}.", and(&may)));
        }
    }
    let all = || mou.roles().iter().map(|role| format!("roles.{}", role.name));
    let may = |capability: Capability| {
        let parties = mou.parties().iter().filter(move |party| mou.may(&party.id, capability));
        parties.map(|party| format!("`{}`", party.id)).collect::<Vec<_>>()
    };
    for (capability, what) in [
        (Capability::Ask, "have tables measured"),
        (Capability::Read, "read what is released"),
        (Capability::Propose, "propose amendments"),
        (Capability::Approve, "approve questions that wait for a person"),
    ] {
        let holders = may(capability);
        let text = match holders.len() {
            0 => format!("Nobody may {what}."),
            all if all == mou.parties().len() => {
                format!("Taken together: every party may {what}.")
            }
            _ => format!("Taken together: {} may {what}, and nobody else.", and(&holders)),
        };
        writer.say(all(), &[Keeper::Node], text);
    }
    writer.say(
        all(),
        &[Keeper::Node],
        "A party acts through certificates that it issues itself: an analyst’s asks and reads, a steward’s approves at \
         the own node, a node’s answers, and none of them does what another is for.",
    );
    writer.say(
        ["format"],
        &[Keeper::Node],
        "A party that is not listed gets no answer, and every connection is encrypted (TLS 1.3) with certificates on \
         both sides.",
    );
}

fn holder(mou: &Mou, role: &Role) -> String {
    match &role.party {
        None => "every party".to_owned(),
        Some(id) => mou.party(id).map_or_else(|| id.to_string(), |party| one_line(&party.name)),
    }
}

fn is_kept_by_nodes(capability: Capability) -> bool {
    !matches!(capability, Capability::Publish | Capability::SetTarget)
}

fn does(capability: Capability) -> &'static str {
    match capability {
        Capability::Ask => "ask nodes to measure tables",
        Capability::Read => "read tables that are released already",
        Capability::Publish => "publish what was released",
        Capability::Propose => "propose amendments",
        Capability::Approve => "approve, at its own node, questions that wait for a person",
        Capability::SetTarget => "set targets",
    }
}

pub(super) fn purposes(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("What for, and what never");
    let terms = mou.terms();
    let purposes: Vec<_> = terms.purposes.iter().map(|purpose| format!("`{purpose}`")).collect();
    writer.say(
        ["agreement.purposes"],
        &[Keeper::Node],
        format!(
            "Every question names its purpose, {}; with any other it is refused, and the purpose is written into \
             the node’s log.",
            or(&purposes)
        ),
    );
    writer.say(
        ["agreement.purposes"],
        &[Keeper::People],
        "A node cannot see what a number is used for once it is given: that the use is the purpose named is kept by \
         people.",
    );
    if terms.prohibited.is_empty() {
        writer.say(
            ["format"],
            &[Keeper::People],
            "The file names no use of the numbers as prohibited.",
        );
        return;
    }
    let prohibited: Vec<_> = terms.prohibited.iter().map(|use_| one_line(use_)).collect();
    writer.say(
        ["agreement.prohibited"],
        &[Keeper::People],
        format!(
            "{} prohibited, for everyone who receives a number; there is no interface for records, and the rest is \
             kept by people.",
            match prohibited.as_slice() {
                [one] => format!("{} is", capital(one)),
                more => format!("{} are", capital(&and(more))),
            }
        ),
    );
}

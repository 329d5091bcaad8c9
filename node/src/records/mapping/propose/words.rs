//! What registrars and personnel offices call the columns that Sumac knows, and what is never proposed.

use sumac_policy::TableName::{self, Award, Employment, Enrolment, Learner, Outcome, Support};

/// Names met in exports, folded, by canonical column. The canonical name itself always counts.
pub(super) const NAMES: &[(TableName, &str, &[&str])] = &[
    (Learner, "birth_year", &["birthdate", "dateofbirth", "dob", "birthday", "yearofbirth"]),
    (Learner, "sex", &["gender", "gendercode", "sexcode"]),
    (
        Learner,
        "race_ethnicity",
        &[
            "race",
            "ethnicity",
            "ipedsrace",
            "raceethnicity",
            "race/ethnicity",
            "ethnicgroup",
            "ethncode",
        ],
    ),
    (Learner, "pell_first_year", &["pell", "pellind", "pellstatus", "pellrecipient", "pellgrant"]),
    (Learner, "first_gen", &["firstgeneration", "firstgenind", "firstgenerationind"]),
    (Learner, "veteran", &["veteranstatus", "veteranind", "military", "militarystatus"]),
    (Learner, "disability", &["disabilitystatus", "disabilityind", "disabled"]),
    (Enrolment, "cohort_year", &["cohort", "entryyear", "entrycohort", "cohortyr"]),
    (Enrolment, "cohort_term", &["entryterm", "admitterm", "termofentry"]),
    (
        Enrolment,
        "entry_status",
        &["enrollmenttype", "studenttype", "admittype", "stypcode", "entrytype"],
    ),
    (
        Enrolment,
        "intensity",
        &[
            "enrollmentintensity",
            "ftpt",
            "fullparttime",
            "timestatus",
            "academicload",
            "attendance",
        ],
    ),
    (Enrolment, "degree_seeking", &["degreeseekingind", "degreeseek"]),
    (Enrolment, "cip2", &["cip", "cipcode", "programcip", "ciptitle", "programofstudy"]),
    (Enrolment, "term", &["termname", "semester"]),
    (Enrolment, "term_start", &["termstartdate", "termbegin", "termbegindate", "startofterm"]),
    (
        Enrolment,
        "credits_attempted",
        &[
            "hoursattempted",
            "unitsattempted",
            "attemptedhours",
            "attemptedcredits",
            "unttakenprgrss",
        ],
    ),
    (
        Enrolment,
        "credits_earned",
        &["hoursearned", "unitsearned", "earnedhours", "earnedcredits", "untpassdprgrss"],
    ),
    (Enrolment, "status", &["enrollmentstatus", "outcome", "studentstatus"]),
    (Enrolment, "exclusion", &["ipedsexclusion", "cohortexclusion"]),
    (Award, "award_level", &["degreelevel", "credentiallevel", "ipedsawardlevel", "degclevel"]),
    (Award, "credential_type", &["credential", "credentialname", "degreetype", "achievementtype"]),
    (
        Award,
        "awarded_on",
        &[
            "awarddate",
            "graduationdate",
            "graddate",
            "dateawarded",
            "conferraldate",
            "degreedate",
            "confdate",
        ],
    ),
    (Award, "cip2", &["cip", "cipcode", "programcip", "majorcip"]),
    (Award, "revoked_on", &["revoked", "revocationdate"]),
    (Employment, "hired_on", &["hiredate", "datehired", "originalhiredate"]),
    (Employment, "ended_on", &["terminationdate", "enddate", "lastday", "termdate"]),
    (Employment, "naics2", &["naics", "naicscode", "industry"]),
    (Employment, "soc2", &["soc", "soccode", "occupation", "occupationcode"]),
    (Employment, "position_type", &["positiontype", "workertype", "employmenttype"]),
    (Employment, "schedule", &["timetype", "workschedule", "fulltimeparttime"]),
    (
        Employment,
        "start_pay_annual",
        &["annualpay", "salary", "annualsalary", "startingpay", "basepay"],
    ),
    (Outcome, "exit_on", &["exitdate", "dateofexit"]),
    (Outcome, "entered_on", &["entrydate", "participationdate", "programentrydate"]),
    (Outcome, "q2_employed", &["employedq2", "employed2ndquarter"]),
    (Outcome, "q4_employed", &["employedq4", "employed4thquarter"]),
    (Outcome, "q2_earnings", &["earningsq2", "wagesq2"]),
    (Support, "service_code", &["service", "servicetype", "supportservice"]),
    (Support, "started_on", &["servicedate", "servicestart", "startdate"]),
    (Support, "ended_on", &["serviceend", "enddate"]),
];

/// Names of columns that identify a person within one organisation.
pub(super) const PERSONS: &[&str] = &[
    "studentid",
    "studentno",
    "studentnumber",
    "stuid",
    "emplid",
    "pidm",
    "personid",
    "studentguid",
    "studyid",
    "employeeid",
    "employeeno",
    "employeenumber",
    "workerid",
    "participantid",
    "clientid",
    "learnerid",
    "id",
];

/// Pieces of names whose columns are never proposed, and no value of which is ever looked at closely.
pub(super) const PRIVATE: &[&str] = &[
    "name",
    "email",
    "mail",
    "phone",
    "address",
    "street",
    "ssn",
    "socialsecurity",
    "passport",
    "licen",
    "zip",
    "postal",
    "note",
    "comment",
    "remark",
];

/// A name without capitals, blanks and marks.
pub(super) fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

//! How people name specialties: everyday words, names that the registry lacks, presets.

use super::Preset;

/// Everyday words, folded, and the registry texts they stand for. They go before NUCC names: the
/// registry has a pharmacist's "Cardiology" and a nurse's "Pain Management", which nobody means.
pub(super) const EVERYDAY: &[(&str, &[&str])] = &[
    (
        "pain management",
        &["Pain Medicine", "Interventional Pain Medicine"],
    ),
    ("pain", &["Pain Medicine", "Interventional Pain Medicine"]),
    (
        "pain doctor",
        &["Pain Medicine", "Interventional Pain Medicine"],
    ),
    ("general physician", &["General Practice"]),
    ("general practitioner", &["General Practice"]),
    ("gp", &["General Practice"]),
    ("family doctor", &["Family Medicine"]),
    ("family physician", &["Family Medicine"]),
    ("family practice", &["Family Medicine"]),
    ("family practitioner", &["Family Medicine"]),
    ("internist", &["Internal Medicine"]),
    ("internal medicine doctor", &["Internal Medicine"]),
    ("np", &["Nurse Practitioner"]),
    ("pa", &["Physician Assistant"]),
    ("orthopaedic", &["Orthopaedic Surgery"]),
    ("orthopedic", &["Orthopaedic Surgery"]),
    ("orthopaedist", &["Orthopaedic Surgery"]),
    ("orthopedist", &["Orthopaedic Surgery"]),
    ("orthopedic surgery", &["Orthopaedic Surgery"]),
    ("orthopedic surgeon", &["Orthopaedic Surgery"]),
    ("orthopaedic surgeon", &["Orthopaedic Surgery"]),
    (
        "cardiology",
        &["Cardiovascular Disease", "Interventional Cardiology"],
    ),
    (
        "cardiologist",
        &["Cardiovascular Disease", "Interventional Cardiology"],
    ),
    (
        "heart doctor",
        &["Cardiovascular Disease", "Interventional Cardiology"],
    ),
    ("ob gyn", &["Obstetrics & Gynecology"]),
    ("obgyn", &["Obstetrics & Gynecology"]),
    ("obstetrician", &["Obstetrics & Gynecology"]),
    ("gynecologist", &["Obstetrics & Gynecology"]),
    ("ent", &["Otolaryngology"]),
    ("ear nose and throat", &["Otolaryngology"]),
    ("skin doctor", &["Dermatology"]),
    ("eye doctor", &["Ophthalmology", "Optometrist"]),
    ("kidney doctor", &["Nephrology"]),
    ("oncologist", &["Medical Oncology", "Hematology & Oncology"]),
    ("oncology", &["Medical Oncology", "Hematology & Oncology"]),
    (
        "cancer doctor",
        &["Medical Oncology", "Hematology & Oncology"],
    ),
    ("gi", &["Gastroenterology"]),
    ("pediatrician", &["Pediatrics"]),
    ("children's doctor", &["Pediatrics"]),
    ("urgent care", &["Urgent Care"]),
    ("er doctor", &["Emergency Medicine"]),
    ("emergency doctor", &["Emergency Medicine"]),
    ("anesthesiologist", &["Anesthesiology"]),
    ("radiologist", &["Radiology"]),
    ("psychiatrist", &["Psychiatry"]),
    ("therapist", &["Counselor", "Marriage & Family Therapist"]),
    ("physiotherapist", &["Physical Therapist"]),
    ("physical therapy", &["Physical Therapist"]),
    ("pt", &["Physical Therapist"]),
    ("plastic surgeon", &["Plastic Surgery"]),
    ("general surgeon", &["Surgery"]),
    ("surgeon", &["Surgery"]),
    ("foot doctor", &["Podiatrist"]),
    ("podiatry", &["Podiatrist"]),
    ("dentistry", &["Dentist"]),
    ("chiropractic", &["Chiropractor"]),
    ("rheumatology doctor", &["Rheumatology"]),
    ("allergist", &["Allergy & Immunology"]),
    ("hospitalist", &["Hospitalist"]),
    ("physiatrist", &["Physical Medicine & Rehabilitation"]),
    ("pm r", &["Physical Medicine & Rehabilitation"]),
    ("pmr", &["Physical Medicine & Rehabilitation"]),
    ("rehab", &["Physical Medicine & Rehabilitation"]),
    ("home care", &["Home Health"]),
    ("nursing home", &["Skilled Nursing Facility"]),
    ("lab", &["Clinical Medical Laboratory"]),
    ("dme", &["Durable Medical Equipment & Medical Supplies"]),
];

/// Names that people ask for and the registry does not know, with what comes nearest in meaning.
pub(super) const NOT_IN_REGISTRY: &[(&str, [&str; 3])] = &[
    (
        "medical officer",
        [
            "Preventive Medicine",
            "General Practice",
            "Internal Medicine",
        ],
    ),
    (
        "medical director",
        [
            "Preventive Medicine",
            "Internal Medicine",
            "Family Medicine",
        ],
    ),
];

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "The eight",
        specialties: &[
            "Nurse Practitioners",
            "Internal Medicine",
            "Pain Management",
            "General Physicians",
            "Family Medicine",
            "Orthopaedic",
            "Medical Officer",
            "Medical Director",
        ],
    },
    Preset {
        name: "Primary care",
        specialties: &[
            "Family Medicine",
            "Internal Medicine",
            "General Practice",
            "Pediatrics",
            "Nurse Practitioner",
        ],
    },
    Preset {
        name: "Dental",
        specialties: &["Dentist", "Dental Hygienist", "Denturist"],
    },
    Preset {
        name: "Behavioral health",
        specialties: &["Psychiatry", "Psychologist", "Counselor", "Social Worker"],
    },
];

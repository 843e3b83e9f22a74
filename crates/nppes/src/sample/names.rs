//! Names of people: common first and last names of many origins, put together at random.
//!
//! Every list falls from frequent to rare.

use std::sync::LazyLock;

use canvass_model::{PersonName, Sex};

use super::draw::{Draw, Weighted};

/// One origin: women's names, men's names, last names.
struct Origin {
    women: &'static str,
    men: &'static str,
    last: &'static str,
    /// Share in a thousand: in most of the country, and where many speak Spanish.
    share: [u32; 2],
}

const ORIGINS: &[Origin] = &[
    Origin {
        women: "MARY JENNIFER ELIZABETH SARAH JESSICA LINDA SUSAN ASHLEY KAREN LISA AMANDA EMILY KATHERINE MELISSA \
            STEPHANIE REBECCA LAURA AMY MICHELLE NICOLE KIMBERLY ANGELA HEATHER RACHEL MEGAN ANNA CHRISTINE SAMANTHA \
            DEBORAH KELLY PATRICIA LAUREN AMBER ERIN DANIELLE JULIE HANNAH VICTORIA TIFFANY COURTNEY CRYSTAL ALLISON \
            KATHRYN ABIGAIL NATALIE BARBARA NANCY SANDRA DONNA CAROL BRITTANY MORGAN TERESA HOLLY APRIL JANET PAULA \
            ROBIN GRACE JACQUELINE WENDY TRACY TAMARA DIANE JOY LATOYA KEISHA EBONY SHANICE JO JOSEPHINE JOANNA JODI \
            BETH ELLEN HOPE FAITH IVY PEARL",
        men: "MICHAEL DAVID JAMES JOHN ROBERT WILLIAM CHRISTOPHER MATTHEW DANIEL JOSEPH THOMAS ANDREW MARK RICHARD \
            BRIAN JEFFREY STEVEN KEVIN TIMOTHY ERIC JASON RYAN SCOTT CHARLES PAUL JONATHAN GREGORY BENJAMIN ADAM KENNETH \
            PATRICK STEPHEN ANTHONY NICHOLAS JUSTIN BRANDON AARON JOSHUA SAMUEL EDWARD PETER NATHAN TODD GEORGE DOUGLAS \
            RONALD KEITH KYLE JACOB BRADLEY TRAVIS SEAN CRAIG PHILIP ALAN TYLER DEREK MARCUS JAMAL DARNELL TYRONE \
            WALTER FRANK RALPH DEAN GLENN CLIFFORD ROSS BOB JOE",
        last: "SMITH JOHNSON WILLIAMS BROWN JONES MILLER DAVIS WILSON ANDERSON TAYLOR THOMAS MOORE MARTIN JACKSON \
            THOMPSON WHITE HARRIS CLARK LEWIS ROBINSON WALKER YOUNG ALLEN KING WRIGHT SCOTT HILL GREEN ADAMS NELSON \
            BAKER HALL CAMPBELL MITCHELL CARTER ROBERTS PHILLIPS EVANS TURNER PARKER COLLINS EDWARDS STEWART MORRIS \
            MURPHY COOK ROGERS MORGAN PETERSON COOPER REED BAILEY BELL KELLY HOWARD WARD COX RICHARDSON WOOD WATSON \
            BROOKS BENNETT GRAY JAMES HUGHES PRICE MYERS LONG FOSTER SANDERS ROSS POWELL SULLIVAN RUSSELL O'BRIEN \
            JENKINS PERRY BUTLER BARNES FISHER HENDERSON COLEMAN SIMMONS PATTERSON JORDAN REYNOLDS HAMILTON GRAHAM \
            WALLACE COLE WEST STONE OWENS BURKE DUNN MCDONALD HUNTER PALMER BLACK DANIELS MASON FOX ROSE RICE O'CONNOR \
            LYNCH GRANT WASHINGTON JEFFERSON BANKS WEBB FREEMAN HOLMES FORD WELLS HAYES O'NEILL MCCARTHY FITZGERALD \
            DAY FROST MARSH WINTERS LAKE BISHOP ABBOTT SHEPHERD CARPENTER GARDNER POTTER TYLER WEAVER QUINN YATES \
            ZIMMER DRAKE EASTMAN INGRAM KNIGHT UNDERWOOD VAUGHN D'ANGELO ST. JOHN",
        share: [560, 400],
    },
    Origin {
        women: "MARIA ANA CARMEN ROSA GABRIELA LETICIA PATRICIA CLAUDIA ADRIANA VERONICA ALEJANDRA MONICA DIANA YOLANDA \
            SOFIA ISABEL LUZ GUADALUPE ESPERANZA BEATRIZ VALERIA XIOMARA SILVIA NORMA PILAR MARISOL CAMILA JOSEFINA ITZEL \
            BELÉN",
        men: "JOSE JUAN CARLOS LUIS JORGE MIGUEL FRANCISCO ANTONIO RICARDO EDUARDO FERNANDO MANUEL ALEJANDRO RAFAEL \
            JAVIER ROBERTO SERGIO PEDRO RAUL HECTOR OSCAR ENRIQUE ANDRES DIEGO PABLO ARTURO ESTEBAN GUILLERMO ANGEL JOSÉ",
        last: "GARCIA RODRIGUEZ MARTINEZ HERNANDEZ LOPEZ GONZALEZ PEREZ SANCHEZ RAMIREZ TORRES FLORES RIVERA GOMEZ DIAZ \
            CRUZ MORALES REYES GUTIERREZ ORTIZ RAMOS CHAVEZ RUIZ ALVAREZ MENDOZA CASTILLO VASQUEZ ROMERO MORENO HERRERA \
            MEDINA VARGAS CASTRO MENDEZ GUZMAN MUNOZ ROJAS SALAZAR SOTO DELGADO PENA RIOS SANTIAGO VEGA CABRERA LUNA \
            FUENTES CAMPOS ESPINOZA VALDEZ SANDOVAL SANTOS DE LEON DE LA CRUZ DEL ROSARIO NÚÑEZ PEÑA IBARRA QUIROZ \
            ZAMORA ARROYO",
        share: [120, 330],
    },
    Origin {
        women: "LI WEI MEI YAN JING HUI XIN YING LING FANG MIN-JI SOO-JIN HYE-WON JI-YOUNG THUY LINH HUONG MAI THANH \
            NGOC LAN YUKO KEIKO AIKO GRACE ANGELA TIFFANY VIVIAN JOYCE CINDY",
        men: "WEI JUN MING LEI HAO TAO FENG JIAN CHENG YONG SUNG-HO MIN-JUN JAE-HYUN DONG-HYUN MINH TUAN HUNG DUNG KHANH \
            BAO PHUC HIROSHI KENJI TAKESHI ANDREW ERIC KEVIN ALBERT VINCENT HENRY",
        last: "NGUYEN KIM LEE WANG CHEN TRAN PARK LI ZHANG LIU LE WU HUANG PHAM YANG CHOI LIN WONG HUYNH LAM CHANG ZHOU \
            XU SUN ZHAO MA VO CHUNG CHO KANG DANG BUI DO HO TANG NGO DUONG JUNG YOON HONG HAN SHIN TANAKA SATO SUZUKI \
            YAMAMOTO NAKAMURA CHAN CHEUNG NG",
        share: [95, 90],
    },
    Origin {
        women: "PRIYA ANJALI NEHA POOJA DIVYA KAVITA SUNITA ANITA SHREYA MEERA LAKSHMI RADHA NISHA DEEPA SWATI FATIMA \
            AYESHA SANA ZAINAB RUKMINI",
        men: "RAJESH SANJAY AMIT VIJAY RAVI ANIL SURESH RAHUL ARJUN VIKRAM DEEPAK ASHOK KIRAN MANOJ NIKHIL ROHAN \
            HARPREET IMRAN BILAL OMAR",
        last: "PATEL SHAH SINGH KUMAR SHARMA GUPTA REDDY RAO KHAN DESAI MEHTA JAIN AGARWAL NAIR IYER VERMA JOSHI \
            KAUR CHAUDHARY MALHOTRA KAPOOR MISHRA BHATT PANDEY DAS BANERJEE MUKHERJEE CHOWDHURY GILL AHLUWALIA \
            SUBRAMANIAN VENKATESAN KRISHNAMURTHY AHMED HUSSAIN MALIK SIDDIQUI QURESHI RAHMAN SHEIKH",
        share: [75, 60],
    },
    Origin {
        women: "ANNA CLAIRE INGRID GRETA HEIDI CHIARA FRANCESCA GIULIA SIMONE ELISE MARGARET BRIDGET RUTH LEAH MIRIAM \
            RENÉE ASTRID EVA",
        men: "HANS KARL ERIK LARS MARCO LUCA ANTHONY VINCENT PIERRE ETIENNE FRANÇOIS DAVID AARON JACOB LOUIS OTTO \
            BRENDAN JÖRG",
        last: "SCHMIDT MEYER SCHNEIDER WEBER WAGNER BECKER SCHULTZ KELLER KRAMER MÜLLER HOFFMAN KLEIN WOLF SCHWARTZ \
            COHEN LEVY FRIEDMAN GOLDSTEIN KAPLAN ROSENBERG KATZ SHAPIRO ROSSI RUSSO ROMANO COSTA MARINO GRECO ESPOSITO \
            DUBOIS LAURENT MOREAU FOURNIER LEFEBVRE HANSEN OLSEN LARSEN JENSEN LINDBERG NYSTROM VAN DYKE VAN DER BERG \
            DE JONG VISSER O'SULLIVAN",
        share: [85, 55],
    },
    Origin {
        women: "OLGA IRINA SVETLANA NATALIA ELENA TATIANA KATARZYNA MAGDALENA AGNIESZKA JOANNA DANIELA IVANA MILENA VESNA",
        men: "IVAN DMITRI SERGEI ALEXANDER VLADIMIR MIKHAIL PAVEL TOMASZ PIOTR MAREK JAN MILAN BORIS STEFAN",
        last: "NOVAK KOWALSKI IVANOV PETROV NOWAK WISNIEWSKI KAMINSKI LEWANDOWSKI ZIELINSKI POPOV VOLKOV SOKOLOV HORVAT \
            JOVANOVIC PETROVIC DVORAK SVOBODA KOVACS NAGY POPESCU IONESCU BONDARENKO SHEVCHENKO PAPADOPOULOS",
        share: [25, 20],
    },
    Origin {
        women: "AMINA LEILA YASMIN NOOR MARYAM SHIRIN NASRIN AMARA CHIOMA NGOZI ADAEZE FOLAKE HIWOT SELAM ABENA AKUA \
            ZAHRA HALA",
        men: "MOHAMMED AHMED ALI HASSAN YOUSEF KARIM REZA DARIUS CHINEDU EMEKA OLUSEGUN TUNDE KWAME KOFI TESFAYE DAWIT \
            TARIQ SAMIR",
        last: "ALI HASSAN MOHAMMED IBRAHIM ABDULLAH NASSER HADDAD KHOURY MANSOUR SALEH RAHIMI TEHRANI KARIMI AHMADI \
            OKAFOR ADEYEMI OKONKWO EZE OGUNLEYE BALOGUN MENSAH OWUSU BOATENG TESFAYE BEKELE HAILE DIALLO TRAORE KAMARA \
            EL-SAYED AL-MASRI",
        share: [40, 45],
    },
];

/// Where Spanish names are as frequent as the second column of the shares says.
const SPANISH: &[&str] = &["CA", "TX", "FL", "NM", "AZ", "NV", "PR", "NY", "NJ", "CO"];

/// Last names of two or three words, which the lists separate by blanks like all the others.
const PARTICLES: &[&str] = &["DE", "DEL", "LA", "VAN", "DER", "ST."];

struct Names {
    women: Weighted<&'static str>,
    men: Weighted<&'static str>,
    last: Weighted<&'static str>,
}

struct Lists {
    origins: Vec<Names>,
    shares: [Weighted<usize>; 2],
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let shares = |column: usize| {
        Weighted::new(
            ORIGINS
                .iter()
                .enumerate()
                .map(|(i, o)| (i, o.share[column])),
        )
    };
    Lists {
        origins: ORIGINS
            .iter()
            .map(|o| Names {
                women: Weighted::falling(o.women.split_whitespace(), 8),
                men: Weighted::falling(o.men.split_whitespace(), 8),
                last: Weighted::falling(last_names(o.last), 7),
            })
            .collect(),
        shares: [shares(0), shares(1)],
    }
});

/// Splits a list of last names, keeping particles with what follows them.
fn last_names(list: &'static str) -> Vec<&'static str> {
    let mut names = Vec::new();
    let mut start = None;
    for word in list.split_whitespace() {
        let at = word.as_ptr() as usize - list.as_ptr() as usize;
        let begin = *start.get_or_insert(at);
        if !PARTICLES.contains(&word) {
            names.push(&list[begin..at + word.len()]);
            start = None;
        }
    }
    names
}

/// First, middle and last name and suffix of a person in a state. Prefix and credential go by
/// profession and are left to the caller.
pub(super) fn person(draw: &mut Draw, sex: Sex, state: &str) -> PersonName {
    let spanish = SPANISH.contains(&state);
    let lists = &*LISTS;
    let origin = lists.shares[usize::from(spanish)].pick(draw);
    let names = &lists.origins[origin];
    let first_names = |names: &'static Names| {
        if sex == Sex::M {
            &names.men
        } else {
            &names.women
        }
    };
    // Many people have a last name of one origin and a first name of the most frequent one.
    let given = if draw.permille(300) {
        &lists.origins[0]
    } else {
        names
    };
    let first = first_names(given).pick(draw);
    let middle = match draw.below(100) {
        0..45 => Some(initial(draw)),
        45..65 => Some(first_names(given).pick(draw).to_owned()).filter(|m| m != first),
        _ => None,
    };
    PersonName {
        prefix: None,
        first: Some(first.to_owned()),
        middle,
        last: Some(last_name(draw, names, sex)),
        suffix: (sex == Sex::M && draw.permille(25)).then(|| {
            draw.one_of(&["Jr.", "Jr.", "III", "Sr.", "II", "IV"])
                .to_owned()
        }),
        credential: None,
    }
}

/// A last name of anybody, for names of businesses and former names.
pub(super) fn last(draw: &mut Draw) -> &'static str {
    let lists = &*LISTS;
    let origin = lists.shares[0].pick(draw);
    lists.origins[origin].last.pick(draw)
}

fn last_name(draw: &mut Draw, names: &Names, sex: Sex) -> String {
    let one = names.last.pick(draw);
    if sex == Sex::M || !draw.permille(60) {
        return one.to_owned();
    }
    let other = if draw.permille(500) {
        names.last.pick(draw)
    } else {
        last(draw)
    };
    if other == one {
        return one.to_owned();
    }
    let mut double = String::with_capacity(one.len() + other.len() + 1);
    double.push_str(one);
    double.push(if draw.permille(700) { '-' } else { ' ' });
    double.push_str(other);
    double
}

fn initial(draw: &mut Draw) -> String {
    let letter = draw.one_of(b"AAABCCDEEFGHIJJJKLLLMMMMNOPPRRRSSTVWY");
    let mut initial = String::with_capacity(2);
    initial.push(char::from(letter));
    if draw.permille(100) {
        initial.push('.');
    }
    initial
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_stay_with_their_name() {
        assert_eq!(
            last_names("SMITH DE LA CRUZ VAN DYKE COHEN"),
            ["SMITH", "DE LA CRUZ", "VAN DYKE", "COHEN"]
        );
    }

    #[test]
    fn there_are_several_hundred_of_each() {
        let count = |list: fn(&Names) -> usize| LISTS.origins.iter().map(list).sum::<usize>();
        assert!(count(|n| n.last.items().len()) > 350);
        assert!(count(|n| n.women.items().len()) > 200);
        assert!(count(|n| n.men.items().len()) > 190);
    }
}

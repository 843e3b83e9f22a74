use askama::Template;

use crate::pages::visit::Pairs;
use crate::problem::FieldError;

/// A column of the table that may be chosen. The name of a provider is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Degree or licence letters, after the name.
    Credential,
    /// What the primary taxonomy is called.
    Specialty,
    /// Code of the primary taxonomy.
    Taxonomy,
    /// City and state.
    City,
    /// ZIP code.
    PostalCode,
    /// Telephone.
    Phone,
    /// NPI.
    Npi,
    /// Year of the enumeration.
    Enumerated,
    /// Day of the last update in the registry.
    Updated,
    /// Status of the lead.
    Lead,
}

impl Column {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 10] = [
        Self::Credential,
        Self::Specialty,
        Self::Taxonomy,
        Self::City,
        Self::PostalCode,
        Self::Phone,
        Self::Npi,
        Self::Enumerated,
        Self::Updated,
        Self::Lead,
    ];

    /// Its name in an address, which is that of an export's column.
    pub fn name(self) -> &'static str {
        self.exported()[0]
    }

    /// The columns of an export that say what it shows.
    fn exported(self) -> &'static [&'static str] {
        match self {
            Self::Credential => &["credential"],
            Self::Specialty => &["specialty"],
            Self::Taxonomy => &["taxonomy"],
            Self::City => &["city", "state"],
            Self::PostalCode => &["postal_code"],
            Self::Phone => &["phone"],
            Self::Npi => &["npi"],
            Self::Enumerated => &["enumerated_on"],
            Self::Updated => &["updated_on"],
            Self::Lead => &["lead"],
        }
    }

    /// What people read where it is chosen.
    fn label(self) -> &'static str {
        match self {
            Self::Credential => "Credential",
            Self::Specialty => "Specialty",
            Self::Taxonomy => "Taxonomy code",
            Self::City => "City, state",
            Self::PostalCode => "ZIP",
            Self::Phone => "Phone",
            Self::Npi => "NPI",
            Self::Enumerated => "Since (NPI given)",
            Self::Updated => "Updated",
            Self::Lead => "Lead",
        }
    }

    fn usual(self) -> bool {
        !matches!(self, Self::Taxonomy | Self::PostalCode | Self::Updated)
    }
}

/// What the always present column is called in an address and in an export.
const NAME: &str = "name";

/// The columns that the table has besides the name, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<Column>);

impl Default for Columns {
    fn default() -> Self {
        Self::those(Column::usual)
    }
}

impl Columns {
    fn those(wanted: impl Fn(Column) -> bool) -> Self {
        Self(Column::ALL.into_iter().filter(|c| wanted(*c)).collect())
    }

    /// Every column that there is.
    pub fn all() -> Self {
        Self::those(|_| true)
    }

    /// The columns that the address of a page asks for by `columns`: names with commas between
    /// them, or one each time it is said. The usual ones where it says nothing.
    ///
    /// # Errors
    /// When a name is that of no column.
    pub fn read(pairs: &Pairs) -> Result<Self, FieldError> {
        let names = pairs.all("columns").flat_map(|value| value.split(','));
        let names: Vec<&str> = names.map(str::trim).filter(|n| !n.is_empty()).collect();
        if names.is_empty() {
            return Ok(Self::default());
        }
        let known = |name: &str| name == NAME || Column::ALL.iter().any(|c| c.name() == name);
        if let Some(odd) = names.iter().find(|name| !known(name)) {
            let odd: String = odd.chars().take(60).collect();
            let all = Column::ALL.map(Column::name).join(", ");
            let detail = format!("There is no column “{odd}”; there are {NAME}, {all}.");
            return Err(FieldError::new("columns", detail));
        }
        Ok(Self::those(|column| names.contains(&column.name())))
    }

    /// Whether the table has this one.
    pub fn has(&self, column: Column) -> bool {
        self.0.contains(&column)
    }

    /// Each that stands in a cell of its own.
    pub(super) fn cells(&self) -> impl Iterator<Item = Column> {
        let columns = self.0.iter().copied();
        columns.filter(|column| *column != Column::Credential)
    }

    /// Whether they are those that nobody had to choose.
    pub fn usual(&self) -> bool {
        *self == Self::default()
    }

    /// What an address says of them; nothing where they are the usual ones.
    pub fn chosen(&self) -> Option<String> {
        let names = self.0.iter().map(|column| column.name());
        self.joined(names)
    }

    /// The columns of an export that say the same; nothing where they are the usual ones.
    pub fn exported(&self) -> Option<String> {
        let names = self.0.iter().flat_map(|column| column.exported().iter());
        self.joined(names.copied())
    }

    fn joined(&self, names: impl Iterator<Item = &'static str>) -> Option<String> {
        let names: Vec<&str> = std::iter::once(NAME).chain(names).collect();
        (!self.usual()).then(|| names.join(","))
    }
}

/// The choice of columns, as a form that asks the same page again.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/columns.html")]
pub struct ColumnsMenu {
    /// Which there are now.
    pub columns: Columns,
    /// What the page shows besides, as hidden inputs.
    pub pairs: Vec<(&'static str, String)>,
    /// The same page with the usual columns.
    pub with_usual: String,
}

crate::ui::shown_as_html!(ColumnsMenu);

#[cfg(test)]
mod tests {
    use canvass_app::ExportList;

    use super::*;

    fn read(query: &str) -> Result<Columns, FieldError> {
        Columns::read(&Pairs::parse(query.as_bytes()))
    }

    #[test]
    fn every_column_is_one_of_an_export() {
        let all: Vec<&str> = ExportList::Providers.columns().collect();
        assert!(all.contains(&NAME));
        for name in Column::ALL.iter().flat_map(|column| column.exported()) {
            assert!(all.contains(name), "{name}");
        }
    }

    #[test]
    fn an_address_says_columns_in_either_way_and_the_usual_ones_not_at_all() {
        let comma = read("columns=phone,npi,name").unwrap();
        assert_eq!(
            comma,
            read("columns=name&columns=npi&columns=phone").unwrap()
        );
        assert_eq!(comma.chosen().as_deref(), Some("name,phone,npi"));
        let city = read("columns=city").unwrap();
        assert_eq!(city.exported().as_deref(), Some("name,city,state"));
        let none = read("columns=name").unwrap();
        assert_eq!(none.chosen().as_deref(), Some("name"));
        assert_eq!(none.cells().count(), 0);
        let usual = "columns=lead,enumerated_on,npi,phone,city,specialty,credential";
        for query in ["", "columns=", usual] {
            let columns = read(query).unwrap();
            assert_eq!((columns.chosen(), columns.exported()), (None, None));
        }
    }

    #[test]
    fn a_name_of_none_is_refused_with_those_that_there_are() {
        let error = read("columns=npi,fax").unwrap_err();
        assert_eq!(error.field, "columns");
        assert!(
            error
                .detail
                .contains("“fax”; there are name, credential, specialty,")
        );
    }
}

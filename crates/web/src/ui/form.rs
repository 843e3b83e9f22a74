use askama::Template;

/// One line of a form: its label, its input, a hint and what is wrong with it.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/field.html")]
pub struct Field {
    /// Name of the parameter; the identifier of the input is made of it.
    pub name: &'static str,
    /// Label.
    pub label: &'static str,
    /// `type` of the input.
    pub kind: &'static str,
    /// What it holds.
    pub value: String,
    /// What helps to fill it in.
    pub hint: Option<String>,
    /// What is wrong with its value.
    pub error: Option<String>,
    /// `autocomplete` of the input.
    pub autocomplete: Option<&'static str>,
    /// `placeholder` of the input.
    pub placeholder: Option<&'static str>,
    /// Whether it must be filled in.
    pub required: bool,
    /// Before the name in the identifier, where a page has two forms with the same names.
    pub prefix: &'static str,
    /// Characters that it may have.
    pub most: Option<usize>,
    /// Whether it gets the focus.
    pub focus: bool,
}

impl Field {
    /// A line of text.
    pub fn text(name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            value: String::new(),
            hint: None,
            error: None,
            autocomplete: None,
            placeholder: None,
            required: false,
            prefix: "",
            most: None,
            focus: false,
        }
    }

    /// A password; it is never filled in by the server.
    pub fn password(name: &'static str, label: &'static str, autocomplete: &'static str) -> Self {
        Self {
            kind: "password",
            autocomplete: Some(autocomplete),
            required: true,
            ..Self::text(name, label)
        }
    }

    /// With this value.
    #[must_use]
    pub fn value(self, value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            ..self
        }
    }

    /// With this hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// With what `errors` say about it.
    #[must_use]
    pub fn errors(self, errors: &[crate::problem::FieldError]) -> Self {
        Self {
            error: crate::problem::detail_of(errors, self.name),
            ..self
        }
    }
}

/// One choice of a [`Select`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectOption {
    /// Value that is sent.
    pub value: String,
    /// What people read.
    pub label: String,
    /// Whether it is chosen.
    pub selected: bool,
}

/// A choice of one.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/select.html")]
pub struct Select {
    /// Name of the parameter.
    pub name: &'static str,
    /// Label.
    pub label: &'static str,
    /// Choices.
    pub options: Vec<SelectOption>,
    /// What helps to choose.
    pub hint: Option<String>,
    /// What is wrong with the choice.
    pub error: Option<String>,
    /// Before the name in the identifier.
    pub prefix: &'static str,
}

impl Select {
    /// A choice among pairs of value and label, with one of them chosen.
    pub fn new<V: Into<String>, L: Into<String>>(
        name: &'static str,
        label: &'static str,
        chosen: &str,
        options: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        let options = options
            .into_iter()
            .map(|(value, label)| {
                let value = value.into();
                SelectOption {
                    selected: value == chosen,
                    label: label.into(),
                    value,
                }
            })
            .collect();
        Self {
            name,
            label,
            options,
            hint: None,
            error: None,
            prefix: "",
        }
    }

    /// With what `errors` say about it.
    #[must_use]
    pub fn errors(self, errors: &[crate::problem::FieldError]) -> Self {
        Self {
            error: crate::problem::detail_of(errors, self.name),
            ..self
        }
    }

    /// With another choice; one that is not offered changes nothing.
    #[must_use]
    pub fn choose(mut self, value: &str) -> Self {
        if self.options.iter().any(|option| option.value == value) {
            for option in &mut self.options {
                option.selected = option.value == value;
            }
        }
        self
    }
}

/// Several values, typed with suggestions and kept as chips. Without script it is a box to type
/// one more value in, with the values so far as ticked boxes.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/combobox.html")]
pub struct Combobox {
    /// Name of the parameter, which repeats.
    pub name: &'static str,
    /// Label.
    pub label: &'static str,
    /// Values so far, with what people read.
    pub values: Vec<(String, String)>,
    /// Suggestions that come with the page.
    pub options: Vec<(String, String)>,
    /// Address that answers suggestions, as `/api/suggest` does; it already has a `?`.
    pub source: Option<&'static str>,
    /// What helps to fill it in.
    pub hint: Option<String>,
    /// What is wrong with it.
    pub error: Option<String>,
    /// `placeholder` of the input.
    pub placeholder: &'static str,
    /// Label of the button that adds what was typed where there is no script.
    pub add: Option<&'static str>,
}

impl Combobox {
    /// An empty one.
    pub fn new(name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            values: Vec::new(),
            options: Vec::new(),
            source: None,
            hint: None,
            error: None,
            placeholder: "",
            add: None,
        }
    }

    /// With these values, each shown as it is.
    #[must_use]
    pub fn values(self, values: &[String]) -> Self {
        Self {
            values: values.iter().map(|v| (v.clone(), v.clone())).collect(),
            ..self
        }
    }

    /// With what `errors` say about it.
    #[must_use]
    pub fn errors(self, errors: &[crate::problem::FieldError]) -> Self {
        Self {
            error: crate::problem::detail_of(errors, self.name),
            ..self
        }
    }
}

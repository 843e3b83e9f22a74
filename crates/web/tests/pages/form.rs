//! Forms as a page shows them: what a browser would send.

/// The fields of a form with their values, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// The first form of a page with this action.
    pub fn to(html: &str, action: &str) -> Self {
        let begin = format!("action=\"{action}\"");
        let at = html.find(&begin).unwrap_or_else(|| {
            panic!("no form to {action} in {html}");
        });
        let start = html[..at].rfind("<form").unwrap();
        let end = start + html[start..].find("</form>").unwrap();
        Self {
            action: action.to_owned(),
            fields: fields(&html[start..end]),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(n, _)| n == name)?;
        Some(&found.1)
    }

    /// With another value, or one more field.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(n, _)| n == name) {
            Some(field) => value.clone_into(&mut field.1),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    pub fn pairs(&self) -> Vec<(&str, &str)> {
        let pairs = self.fields.iter();
        pairs.map(|(n, v)| (n.as_str(), v.as_str())).collect()
    }
}

fn fields(form: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = form;
    while let Some(at) = rest.find('<') {
        let tag_end = at + rest[at..].find('>').unwrap();
        let tag = &rest[at..tag_end];
        rest = &rest[tag_end + 1..];
        let Some(name) = attribute(tag, "name") else {
            continue;
        };
        let value = attribute(tag, "value").unwrap_or_default();
        if tag.starts_with("<input") {
            let ticks = matches!(
                attribute(tag, "type").as_deref(),
                Some("checkbox" | "radio")
            );
            if !ticks || tag.contains(" checked") {
                fields.push((name, value));
            }
        } else if tag.starts_with("<textarea") {
            fields.push((name, unescaped(&rest[..rest.find("</textarea>").unwrap()])));
        } else if tag.starts_with("<select") {
            let options = &rest[..rest.find("</select>").unwrap()];
            fields.push((name, chosen(options)));
        }
    }
    fields
}

fn chosen(options: &str) -> String {
    let tags: Vec<&str> = options
        .split("<option")
        .skip(1)
        .map(|o| o.split('>').next().unwrap())
        .collect();
    let tag = tags
        .iter()
        .find(|t| t.contains(" selected"))
        .or(tags.first());
    tag.and_then(|t| attribute(t, "value")).unwrap_or_default()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let begin = format!(" {name}=\"");
    let at = tag.find(&begin)? + begin.len();
    Some(unescaped(tag[at..].split('"').next()?))
}

pub fn unescaped(text: &str) -> String {
    [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

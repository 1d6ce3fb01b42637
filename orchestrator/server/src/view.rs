//! From a run to what a person reads of it: values with where they come from, what they are called and how much they need protecting.

mod beyond;
mod call;
mod ledger;
mod letter;
mod step;
mod task;
mod told;

use laufzettel_domain::{Lang, Path, Slot, StepId, Value, file::File};
use laufzettel_engine::{Call, Run};
use laufzettel_process::{
    Process, Schema,
    cite::{self, SOURCES},
    expression::{Shape, Template},
    model::StepKind,
};
use laufzettel_worker::Loaded;

pub use beyond::{beyond, is_lost, quoted, record};
pub use call::{Book, cost_in_words};
pub use ledger::{leaving, shares};
pub use letter::received_letter;
pub use step::{ITEMS, Look, Opened, called, items, step};
pub use task::{proposals, shown};
pub use told::told;

use crate::{
    origin::{Origins, Voices, part},
    pages::{
        Shown,
        citation::Beyond,
        names::{Names, Spelling},
        shown::Material,
    },
};

/// A run, and what must be known to put its values into words.
pub struct Matter<'m> {
    pub loaded: &'m Loaded,
    pub voices: &'m Voices,
    pub lang: Lang,
    spelling: Spelling,
    /// Every passage the run has before it, for the quotations in its values.
    passages: Value,
    /// Those of the cases it has called, where one of these stands nowhere in it ([`beyond()`]).
    pub beyond: Vec<Beyond>,
}

impl<'m> Matter<'m> {
    pub fn new(loaded: &'m Loaded, voices: &'m Voices, lang: Lang) -> Self {
        let process = &loaded.prepared.process;
        let texts = std::iter::once(&process.text).chain(process.files.values()).map(String::as_str);
        Self { loaded, voices, lang, spelling: Spelling::of(texts), passages: passages(&loaded.run), beyond: Vec::new() }
    }

    fn process(&self) -> &'m Process {
        &self.loaded.prepared.process
    }

    pub fn origins(&self) -> Origins<'m> {
        Origins::new(self.loaded, self.voices, self.lang)
    }

    /// A value under its own key, in the words of the schema that lies there.
    fn value(&self, key: &str, value: &Value, schema: Option<(&Schema, &[String])>) -> Shown {
        let material = Material { names: Names::new(&self.spelling, schema), passages: &self.passages, beyond: &self.beyond, run: Some(self.loaded.run.id) };
        Shown::with(key, value, material, self.lang)
    }

    /// The author's schema of what lies at a path, and the way into it; of a decision table it is the table's own. Of tools, children and
    /// news from elsewhere there is none: their words are foreign.
    fn schema_at<'p>(&self, path: &'p Path) -> Option<(&'m Schema, &'p [String])> {
        let below = |from: usize| path.0.get(from..).unwrap_or_default();
        if path.root() == "input" {
            return Some((&self.process().input, below(1)));
        }
        let (id, step) = self.process().steps.get_key_value(path.step()?)?;
        let own = matches!(step.kind, StepKind::Model(_) | StepKind::Agent(_) | StepKind::Human(_) | StepKind::Rules(_) | StepKind::Set(_));
        own.then(|| self.loaded.prepared.context.types.steps.get(id)).flatten().map(|schema| (schema, below(2)))
    }

    /// The rows of the input.
    pub fn input(&self, input: &Value) -> Vec<Shown> {
        let Some(map) = input.as_object() else { return list(self.loaded, input, self.lang) };
        let row = |(key, value): (&String, &Value)| self.value(key, value, Some((&self.process().input, std::slice::from_ref(key))));
        map.iter().map(row).collect()
    }

    /// The rows of a value nobody has a schema of, spelt as the process spells.
    pub fn spelt(&self, value: &Value) -> Vec<Shown> {
        match value.as_object().filter(|_| File::from_value(value).is_none()) {
            Some(map) => map.iter().map(|(key, inner)| self.value(key, inner, None)).collect(),
            None => list(self.loaded, value, self.lang),
        }
    }

    /// The rows of a step's value.
    pub fn result(&self, id: &StepId, value: &Value) -> Vec<Shown> {
        let schema = self.schema_at(&Path::new(["steps", id.as_str()])).map(|(schema, _)| schema);
        let Some(map) = value.as_object().filter(|_| File::from_value(value).is_none()) else { return list(self.loaded, value, self.lang) };
        let made = match self.process().steps.get(id).map(|step| &step.kind) {
            Some(StepKind::Set(template)) => Some(template),
            _ => None,
        };
        let rows = map.iter().map(|(key, inner)| {
            let way = [key.clone()];
            let letter = made.filter(|_| inner.is_string()).and_then(|made| self.letter(part(made, &way), Slot::of(id.clone())));
            self.value(key, inner, schema.map(|schema| (schema, way.as_slice()))).letter(letter)
        });
        rows.collect()
    }
}

/// The one place a template gives as it is, if it is one; what stands there in case of need does not count.
fn lone(template: &Template) -> Option<&Path> {
    fn of(shape: &Shape) -> Option<&Path> {
        match shape {
            Shape::Ref(path) => Some(path),
            Shape::Either(shapes) => {
                let mut places = shapes.iter().filter(|shape| !matches!(shape, Shape::Const(_)));
                places.next().and_then(of).filter(|_| places.next().is_none())
            }
            _ => None,
        }
    }
    match template {
        Template::Expression(expression) => of(&expression.shape),
        _ => None,
    }
}

fn passages(run: &Run) -> Value {
    let given = run.effects.values().filter_map(|effect| match &effect.intent.call {
        Call::Model { data, .. } => data.get(SOURCES),
        _ => None,
    });
    let brought = run.effects.values().filter_map(|effect| match &effect.status {
        laufzettel_engine::EffectStatus::Settled { value } if matches!(effect.intent.call, Call::Tool { .. }) => Some(value),
        _ => None,
    });
    cite::sources_of(None, given.chain(brought))
}

/// A value in rows; where it was erased, none.
fn list(loaded: &Loaded, value: &Value, lang: Lang) -> Vec<Shown> {
    if loaded.gone.is_some() && value.is_null() { Vec::new() } else { Shown::list(value, &[], lang) }
}

//! Which arrows a picture needs: order said by other arrows already is not said again.

use std::collections::BTreeMap;

use laufzettel_domain::StepId;

use super::layout::Link;
use crate::model::Process;

/// Number 0 is the beginning, the last one the end, between them the steps in their order.
///
/// A step's arrow from one it needs is left out if it needs another one that comes after that one anyway; an arrow that skips
/// whoever follows, though, only if that way skips, too: past nothing optional.
pub fn edges(process: &Process) -> Vec<Link> {
    let number: BTreeMap<&StepId, usize> = process.order.iter().enumerate().map(|(n, id)| (id, n + 1)).collect();
    let end = process.order.len() + 1;
    let mut before = Before::new(end);
    let (mut links, mut followed) = (Vec::new(), vec![false; end]);
    for (id, to) in process.order.iter().zip(1..) {
        let needs: Vec<(usize, bool)> = process.steps[id].needs.iter().filter_map(|(need, optional)| Some((*number.get(need)?, *optional))).collect();
        let said = |(from, optional): &(usize, bool)| {
            needs.iter().any(|(other, weak)| other != from && if *optional { before.any[*other][*from] } else { !weak && before.firm[*other][*from] })
        };
        links.extend(needs.iter().filter(|need| !said(need)).map(|(from, optional)| Link { from: *from, to, optional: *optional }));
        if needs.is_empty() {
            links.push(Link { from: 0, to, optional: false });
        }
        needs.iter().for_each(|(from, _)| followed[*from] = true);
        before.add(to, &needs);
    }
    links.extend((1..end).filter(|step| !followed[*step]).map(|from| Link { from, to: end, optional: false }));
    links.sort();
    links
}

/// For every step, which ones come before it: by whatever way, and by one with nothing optional in it.
struct Before {
    any: Vec<Vec<bool>>,
    firm: Vec<Vec<bool>>,
}

impl Before {
    fn new(count: usize) -> Self {
        let none = vec![vec![false; count]; count];
        Self { any: none.clone(), firm: none }
    }

    fn add(&mut self, step: usize, needs: &[(usize, bool)]) {
        for (need, optional) in needs {
            join(&mut self.any, step, *need);
            if !optional {
                join(&mut self.firm, step, *need);
            }
        }
    }
}

/// What comes before `need`, and `need` itself, come before `step`.
fn join(before: &mut [Vec<bool>], step: usize, need: usize) {
    let mut row = std::mem::take(&mut before[step]);
    row.iter_mut().zip(&before[need]).for_each(|(own, theirs)| *own |= theirs);
    row[need] = true;
    before[step] = row;
}

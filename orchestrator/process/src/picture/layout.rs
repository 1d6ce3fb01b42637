//! Where boxes and arrows of an acyclic graph go, from top to bottom: layers by the longest way, few crossings, straight arrows.
//!
//! Only sizes and numbers: what is in a box this does not know. The same graph gives the same places. A graph that would take
//! too much is refused, never drawn in part.

use std::collections::BTreeMap;

/// Places in all layers, boxes and the bends of long arrows: bounds time and memory; ten times what a process of 200 steps takes.
const CELLS_MAX: usize = 20_000;
/// Boxes beside each other: so many fit into a page, and what may run beside each other may stand below each other.
const WIDE_MAX: usize = 4;
/// Sweeps over the layers, for the order in each and for the places: later ones change next to nothing.
const SWEEPS: usize = 12;
/// Between boxes, between a box and a passing arrow, between arrows, around everything, and between layers at least.
const GAP: f64 = 28.0;
const GAP_TO_ARROW: f64 = 18.0;
const GAP_OF_ARROWS: f64 = 14.0;
const MARGIN: i32 = 12;
const LAYER_GAP: i32 = 40;
/// Of a layer's gap for every point an arrow goes sideways in it, and at most: flat arrows are hard to follow.
const SLOPE: f64 = 0.08;
const LAYER_GAP_MORE_MAX: f64 = 48.0;
/// How much an arrow's bend insists on its place, against a box's one.
const STRAIGHT: f64 = 4.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: i32,
    pub height: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

/// An arrow. Those of one box that look alike go the same way as long as they can, as do all that lead into the last box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    pub from: usize,
    pub to: usize,
    pub optional: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub width: i32,
    pub height: i32,
    /// The upper left corner of every box.
    pub places: Vec<Point>,
    /// Of every link, from the lower edge of one box to the upper edge of the other. Points come in pairs: straight down from the
    /// first to the second, within a layer; from there sideways to the first of the next pair, between two layers.
    pub routes: Vec<Vec<Point>>,
}

/// `links` lead from a lower number to a higher one. `None`: more than anybody could look at.
pub fn layout(sizes: &[Size], links: &[Link]) -> Option<Layout> {
    let mut grid = Grid::new(sizes, links)?;
    grid.untangle();
    let x = grid.across();
    Some(grid.settle(sizes, &x))
}

/// The layer of every box: below everything it comes after, and where there is room.
fn layers(count: usize, links: &[Link]) -> Vec<usize> {
    let mut above: Vec<Vec<usize>> = vec![Vec::new(); count];
    for link in links {
        above[link.to].push(link.from);
    }
    let (mut layer, mut taken) = (vec![0; count], vec![0; count + 1]);
    for node in 0..count {
        let first = above[node].iter().map(|from| layer[*from] + 1).max().unwrap_or(0);
        layer[node] = (first..=count).find(|l| taken[*l] < WIDE_MAX).unwrap_or(first);
        taken[layer[node]] += 1;
    }
    layer
}

/// Boxes and bends, layer by layer. The first cells are the boxes, by their number.
struct Grid {
    /// Of a cell; a bend has none.
    widths: Vec<f64>,
    layer: Vec<usize>,
    /// Cells of every layer, from left to right.
    rows: Vec<Vec<usize>>,
    /// Cells one layer up, and one down.
    up: Vec<Vec<usize>>,
    down: Vec<Vec<usize>>,
    /// The cells every link goes through.
    ways: Vec<Vec<usize>>,
}

impl Grid {
    fn new(sizes: &[Size], links: &[Link]) -> Option<Self> {
        let layer = layers(sizes.len(), links);
        let mut rows = vec![Vec::new(); layer.iter().max().map_or(0, |last| last + 1)];
        for (node, l) in layer.iter().enumerate() {
            rows[*l].push(node);
        }
        let widths = sizes.iter().map(|size| f64::from(size.width)).collect();
        let none = vec![Vec::new(); sizes.len()];
        let mut grid = Self { widths, layer, rows, up: none.clone(), down: none, ways: Vec::new() };
        let mut bends = BTreeMap::new();
        for link in links {
            let way = grid.way(sizes.len(), link, &mut bends)?;
            for pair in way.windows(2) {
                if !grid.down[pair[0]].contains(&pair[1]) {
                    grid.down[pair[0]].push(pair[1]);
                    grid.up[pair[1]].push(pair[0]);
                }
            }
            grid.ways.push(way);
        }
        Some(grid)
    }

    /// From box to box through a bend in every layer between, shared with those that go the same way.
    fn way(&mut self, boxes: usize, link: &Link, bends: &mut BTreeMap<(usize, bool, usize), usize>) -> Option<Vec<usize>> {
        let into_last = link.to + 1 == boxes;
        let mut way = vec![link.from];
        for layer in self.layer[link.from] + 1..self.layer[link.to] {
            let shared = (if into_last { link.to } else { link.from }, link.optional, layer);
            let fresh = self.widths.len();
            let bend = *bends.entry(shared).or_insert(fresh);
            if bend == fresh {
                if fresh >= CELLS_MAX {
                    return None;
                }
                self.widths.push(0.0);
                self.layer.push(layer);
                self.rows[layer].push(fresh);
                self.up.push(Vec::new());
                self.down.push(Vec::new());
            }
            way.push(bend);
        }
        way.push(link.to);
        Some(way)
    }

    /// Orders every layer by the middle of its neighbours, down and up in turn; the order with the fewest crossings stays.
    fn untangle(&mut self) {
        let mut best = (self.crossings(), self.rows.clone());
        for sweep in 0..SWEEPS {
            let (neighbours, rows): (_, Vec<usize>) =
                if sweep % 2 == 0 { (&self.up, (1..self.rows.len()).collect()) } else { (&self.down, (0..self.rows.len().saturating_sub(1)).rev().collect()) };
            let mut ranks = self.ranks();
            for row in rows {
                let wish = |cell: usize| median(&neighbours[cell], &ranks).unwrap_or(ranks[cell]);
                let mut wished: Vec<(f64, usize)> = self.rows[row].iter().map(|cell| (wish(*cell), *cell)).collect();
                wished.sort_by(|a, b| a.0.total_cmp(&b.0));
                self.rows[row] = wished.into_iter().map(|(_, cell)| cell).collect();
                for (rank, cell) in self.rows[row].iter().enumerate() {
                    ranks[*cell] = as_rank(rank);
                }
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
            }
        }
        self.rows = best.1;
    }

    fn ranks(&self) -> Vec<f64> {
        let mut ranks = vec![0.0; self.widths.len()];
        for row in &self.rows {
            for (rank, cell) in row.iter().enumerate() {
                ranks[*cell] = as_rank(rank);
            }
        }
        ranks
    }

    fn crossings(&self) -> usize {
        let mut rank = vec![0; self.widths.len()];
        for row in &self.rows {
            row.iter().enumerate().for_each(|(n, cell)| rank[*cell] = n);
        }
        self.rows.iter().map(|row| crossings(row.iter().map(|cell| self.down[*cell].iter().map(|below| rank[*below]).collect()).collect())).sum()
    }

    /// The middle of every cell: near what it is connected with, and clear of its neighbours.
    fn across(&self) -> Vec<f64> {
        let mut x = vec![0.0; self.widths.len()];
        for row in &self.rows {
            self.place(row, &vec![0.0; row.len()], &mut x);
        }
        for sweep in 0..=SWEEPS {
            let rows: Vec<usize> = if sweep % 2 == 0 { (0..self.rows.len()).collect() } else { (0..self.rows.len()).rev().collect() };
            for row in rows {
                let near = |cell: usize| {
                    let all: Vec<f64> = match sweep {
                        SWEEPS => self.up[cell].iter().chain(&self.down[cell]).map(|n| x[*n]).collect(),
                        _ if sweep % 2 == 0 => self.up[cell].iter().map(|n| x[*n]).collect(),
                        _ => self.down[cell].iter().map(|n| x[*n]).collect(),
                    };
                    mean(&all).unwrap_or(x[cell])
                };
                let wishes: Vec<f64> = self.rows[row].iter().map(|cell| near(*cell)).collect();
                self.place(&self.rows[row], &wishes, &mut x);
            }
        }
        x
    }

    fn place(&self, row: &[usize], wishes: &[f64], x: &mut [f64]) {
        let weight = |cell: &usize| if self.widths[*cell] > 0.0 { 1.0 } else { STRAIGHT };
        let wishes: Vec<(f64, f64)> = row.iter().zip(wishes).map(|(cell, wish)| (*wish, weight(cell))).collect();
        let apart: Vec<f64> = row.windows(2).map(|pair| self.apart(pair[0], pair[1])).collect();
        for (cell, at) in row.iter().zip(spread(&wishes, &apart)) {
            x[*cell] = at;
        }
    }

    fn apart(&self, left: usize, right: usize) -> f64 {
        let (a, b) = (self.widths[left], self.widths[right]);
        let gap = match (a > 0.0, b > 0.0) {
            (true, true) => GAP,
            (false, false) => GAP_OF_ARROWS,
            _ => GAP_TO_ARROW,
        };
        (a + b) / 2.0 + gap
    }

    /// In whole points, from the upper left corner.
    fn settle(&self, sizes: &[Size], x: &[f64]) -> Layout {
        let left = (0..x.len()).map(|cell| x[cell] - self.widths[cell] / 2.0).fold(f64::INFINITY, f64::min);
        let middle = |cell: usize| whole(x[cell] - left) + MARGIN;
        let (mut top, mut bands) = (MARGIN, Vec::new());
        for row in &self.rows {
            let height = row.iter().filter_map(|cell| sizes.get(*cell)).map(|size| size.height).max().unwrap_or(0);
            bands.push((top, top + height));
            let sideways = row.iter().flat_map(|cell| self.down[*cell].iter().map(|below| (x[*cell] - x[*below]).abs())).fold(0.0, f64::max);
            top += height + LAYER_GAP + whole((sideways * SLOPE).min(LAYER_GAP_MORE_MAX));
        }
        let places: Vec<Point> =
            sizes.iter().enumerate().map(|(node, size)| Point { x: middle(node) - size.width / 2, y: bands[self.layer[node]].0 }).collect();
        let through = |(n, cell): (usize, &usize), way: &[usize]| {
            let (upper, lower) = bands[self.layer[*cell]];
            let from = if n == 0 { places[*cell].y + sizes[*cell].height } else { upper };
            let to = if n + 1 == way.len() { upper } else { lower };
            [Point { x: middle(*cell), y: from }, Point { x: middle(*cell), y: to }]
        };
        let routes = self.ways.iter().map(|way| way.iter().enumerate().flat_map(|step| through(step, way)).collect()).collect();
        let width = places.iter().zip(sizes).map(|(place, size)| place.x + size.width).chain((0..x.len()).map(middle)).max().unwrap_or(0) + MARGIN;
        Layout { width, height: bands.last().map_or(0, |(_, lower)| *lower) + MARGIN, places, routes }
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounded by CELLS_MAX")]
fn as_rank(rank: usize) -> f64 {
    rank as f64
}

#[expect(clippy::cast_possible_truncation, reason = "bounded by CELLS_MAX boxes beside each other")]
fn whole(x: f64) -> i32 {
    x.round() as i32
}

#[expect(clippy::cast_precision_loss, reason = "counts neighbours of one cell")]
fn mean(all: &[f64]) -> Option<f64> {
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}

fn median(neighbours: &[usize], ranks: &[f64]) -> Option<f64> {
    let mut found: Vec<f64> = neighbours.iter().map(|n| ranks[*n]).collect();
    found.sort_by(f64::total_cmp);
    let middle = found.len() / 2;
    match found.len() {
        0 => None,
        n if n % 2 == 1 => Some(found[middle]),
        _ => Some(f64::midpoint(found[middle - 1], found[middle])),
    }
}

/// Pairs of arrows of one layer that cross: those whose upper ends stand one way and whose lower ends the other.
fn crossings(mut ends: Vec<Vec<usize>>) -> usize {
    let width = ends.iter().flatten().max().map_or(0, |last| last + 1);
    // a Fenwick tree over the lower ends met so far
    let (mut tree, mut met, mut crossed) = (vec![0_usize; width + 1], 0, 0);
    for below in &mut ends {
        below.sort_unstable();
        for end in below.iter() {
            let (mut at, mut left) = (end + 1, 0);
            while at > 0 {
                left += tree[at];
                at &= at - 1;
            }
            crossed += met - left;
        }
        for end in below.iter() {
            let mut at = end + 1;
            while at <= width {
                tree[at] += 1;
                at += at & at.wrapping_neg();
            }
            met += 1;
        }
    }
    crossed
}

/// The places nearest to what each wishes (least squares, by weight), in this order and at least so far apart: pool adjacent violators.
fn spread(wishes: &[(f64, f64)], apart: &[f64]) -> Vec<f64> {
    let offsets: Vec<f64> = std::iter::once(0.0)
        .chain(apart.iter().scan(0.0, |sum, gap| {
            *sum += gap;
            Some(*sum)
        }))
        .collect();
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for ((wish, weight), offset) in wishes.iter().zip(&offsets) {
        let mut block = (wish - offset, *weight, 1);
        while let Some((mean, heavy, count)) = blocks.last().copied().filter(|last| last.0 > block.0) {
            blocks.pop();
            block = ((mean * heavy + block.0 * block.1) / (heavy + block.1), heavy + block.1, count + block.2);
        }
        blocks.push(block);
    }
    let means = blocks.iter().flat_map(|(mean, _, count)| std::iter::repeat_n(*mean, *count));
    means.zip(&offsets).map(|(mean, offset)| mean + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossing_arrows_are_counted() {
        for (ends, expected) in
            [(vec![vec![0], vec![1]], 0), (vec![vec![1], vec![0]], 1), (vec![vec![0, 1], vec![0, 1]], 1), (vec![vec![2], vec![0, 1]], 2), (vec![], 0)]
        {
            assert_eq!(crossings(ends.clone()), expected, "{ends:?}");
        }
    }

    #[test]
    fn places_near_the_wishes_and_apart() {
        for (wishes, apart, expected) in [
            (vec![(0.0, 1.0), (100.0, 1.0)], vec![10.0], vec![0.0, 100.0]),
            (vec![(0.0, 1.0), (0.0, 1.0)], vec![10.0], vec![-5.0, 5.0]),
            (vec![(0.0, 3.0), (0.0, 1.0)], vec![8.0], vec![-2.0, 6.0]),
            (vec![], vec![], vec![]),
        ] {
            assert_eq!(spread(&wishes, &apart), expected, "{wishes:?}");
        }
    }

    #[test]
    fn a_graph_beyond_measure_is_refused() {
        // pairs far from each other, each with a way of its own through all layers
        let links: Vec<Link> = (0..2_000)
            .map(|n| Link { from: n, to: n + 1_000, optional: false })
            .chain((0..3_000).map(|n| Link { from: n, to: n + 1, optional: false }))
            .collect();
        let sizes: Vec<Size> = (0..3_001).map(|_| Size { width: 10, height: 10 }).collect();
        assert_eq!(layout(&sizes, &links), None);
    }
}

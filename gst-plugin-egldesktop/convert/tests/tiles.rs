//! Tile sets against a plain model.

use proptest::prelude::*;
use tile_convert::{Rect, TILE_HEIGHT, TILE_WIDTH, TileGrid, TileSet};

/// Whether a tile has a pixel in common with a rectangle.
fn touches(grid: TileGrid, column: u16, row: u16, [x, y, width, height]: [i32; 4]) -> bool {
    let overlap = |tile: u16, size: u16, limit: u16, start: i32, length: i32| {
        let (first, last) = (i64::from(tile) * i64::from(size), (i64::from(tile) + 1) * i64::from(size));
        let (start, end) = (i64::from(start), i64::from(start) + i64::from(length));
        first.max(start) < last.min(limit.into()).min(end)
    };
    overlap(column, TILE_WIDTH, grid.width(), x, width) && overlap(row, TILE_HEIGHT, grid.height(), y, height)
}

fn coordinate() -> impl Strategy<Value = i32> {
    prop_oneof![8 => -50..9000_i32, 1 => any::<i32>(), 1 => Just(i32::MIN), 1 => Just(i32::MAX)]
}

fn rectangles() -> impl Strategy<Value = Vec<[i32; 4]>> {
    let rectangle = (coordinate(), -50..200_i32, coordinate(), -5..100_i32);
    prop::collection::vec(rectangle.prop_map(|(x, width, y, height)| [x, y, width, height]), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 500 }) })]

    #[test]
    fn marks_what_is_touched(width in 0_u16..9000, height in 0_u16..200, rects in rectangles()) {
        let grid = TileGrid::new(width, height);
        let mut tiles = TileSet::new(grid);
        for [x, y, width, height] in &rects {
            tiles.mark(*x, *y, *width, *height);
        }
        let mut count = 0;
        for row in 0..grid.rows() {
            for column in 0..grid.columns() {
                let expected = rects.iter().any(|rect| touches(grid, column, row, *rect));
                prop_assert_eq!(tiles.contains(column, row), expected, "tile {},{}", column, row);
                count += usize::from(expected);
            }
        }
        prop_assert_eq!(tiles.count(), count);
        prop_assert_eq!(tiles.is_empty(), count == 0);
        check_runs(&tiles)?;
    }

    #[test]
    fn union_is_marking_both(width in 0_u16..9000, height in 0_u16..200, first in rectangles(), second in rectangles()) {
        let set = |rects: &[[i32; 4]]| {
            let mut tiles = TileSet::new(TileGrid::new(width, height));
            rects.iter().for_each(|[x, y, width, height]| tiles.mark(*x, *y, *width, *height));
            tiles
        };
        let mut union = set(&first);
        union.union(&set(&second));
        prop_assert_eq!(union, set(&[first, second].concat()));
    }
}

/// The runs are the tiles, and as few as possible.
fn check_runs(tiles: &TileSet) -> Result<(), TestCaseError> {
    let grid = tiles.grid();
    let mut again = TileSet::new(grid);
    let mut area = 0;
    let mut last: Option<Rect> = None;
    for rect in tiles.runs() {
        let Rect { x, y, width, height } = rect;
        prop_assert!(x % TILE_WIDTH == 0 && y % TILE_HEIGHT == 0 && width > 0 && height > 0);
        prop_assert!(width % TILE_WIDTH == 0 || x + width == grid.width(), "{:?} is cut off at the edge only", rect);
        prop_assert!(height == TILE_HEIGHT || y + height == grid.height(), "{:?} is cut off at the edge only", rect);
        prop_assert!(last.is_none_or(|last| last.y < y || last.y == y && last.x + last.width < x), "not in order");
        again.mark(x.into(), y.into(), width.into(), height.into());
        area += usize::from(width) * usize::from(height);
        last = Some(rect);
    }
    prop_assert_eq!(&again, tiles);
    prop_assert_eq!(tiles.area(), area);
    check_rects(tiles)
}

/// The rectangles are the tiles, none twice, unless there are too many of them.
fn check_rects(tiles: &TileSet) -> Result<(), TestCaseError> {
    let mark = |rects: &[Rect]| {
        let mut marked = TileSet::new(tiles.grid());
        rects.iter().for_each(|rect| marked.mark(rect.x.into(), rect.y.into(), rect.width.into(), rect.height.into()));
        marked
    };
    let area =
        |rects: &[Rect]| rects.iter().map(|rect| usize::from(rect.width) * usize::from(rect.height)).sum::<usize>();
    let rects = tiles.rects(usize::MAX);
    prop_assert!(rects.len() <= tiles.runs().count());
    prop_assert_eq!((&mark(&rects), area(&rects)), (tiles, tiles.area()));
    let few = tiles.rects(3);
    if rects.len() > 3 {
        prop_assert_eq!(few, tiles.bounds().into_iter().collect::<Vec<_>>());
        let mut missing = tiles.clone();
        missing.subtract(&mark(&tiles.rects(3)));
        prop_assert!(missing.is_empty());
    } else {
        prop_assert_eq!(few, rects);
    }
    Ok(())
}

#[test]
fn all_and_none() {
    for (width, height, columns, rows) in
        [(0, 0, 0, 0), (1, 1, 1, 1), (64, 16, 1, 1), (65, 17, 2, 2), (1920, 1080, 30, 68), (u16::MAX, 16, 1024, 1)]
    {
        let grid = TileGrid::new(width, height);
        assert_eq!((grid.columns(), grid.rows()), (columns, rows));
        let mut tiles = TileSet::new(grid);
        assert!(tiles.is_empty() && tiles.runs().next().is_none());
        tiles.mark_all();
        assert_eq!(tiles.count(), usize::from(columns) * usize::from(rows));
        assert_eq!(tiles.area(), usize::from(width) * usize::from(height));
        assert_eq!(tiles.runs().count(), usize::from(rows));
        tiles.clear();
        assert!(tiles.is_empty());
    }
}

#[test]
fn a_column_is_one_rectangle() {
    let mut tiles = TileSet::new(TileGrid::new(300, 100));
    tiles.mark(70, 0, 10, 100);
    tiles.mark(200, 40, 1, 1);
    let column = Rect { x: 64, y: 0, width: 64, height: 100 };
    assert_eq!(tiles.rects(2), [column, Rect { x: 192, y: 32, width: 64, height: 16 }]);
    assert_eq!(tiles.rects(1), [Rect { x: 64, y: 0, width: 192, height: 100 }]);
}

#[test]
fn an_intersection_has_what_both_have() {
    let grid = TileGrid::new(300, 50);
    let (mut left, mut right) = (TileSet::new(grid), TileSet::new(grid));
    left.mark(0, 0, 130, 50);
    right.mark(70, 20, 230, 10);
    left.intersect(&right);
    assert_eq!(left.runs().collect::<Vec<_>>(), [Rect { x: 64, y: 16, width: 128, height: 16 }]);
}

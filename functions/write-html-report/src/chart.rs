//! Lines over 90 days, and bars, as SVG.
//!
//! Every coordinate is in the units of a drawing 360 wide, so that a chart has room beside another one on a desk and fills a
//! telephone. Colours and type are the style sheet's.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

/// The drawing.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 212.0;
/// The field of the lines: room for the numbers on its left, the last values on its right, the days below.
const LEFT: f64 = 40.0;
const RIGHT: f64 = 304.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 176.0;
/// Where the scans stand that are in no line.
const MARKS: f64 = 168.5;
/// How far the names of two lines keep apart.
const APART: f64 = 13.0;

/// How far back a chart looks, and the least that it shows.
pub(crate) const DAYS: i64 = 90;
const LEAST_DAYS: i64 = 7;

/// Lines over time.
pub(crate) struct Chart {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What the lines say, in words.
    pub(crate) told: String,
    pub(crate) grid: Vec<Mark>,
    pub(crate) ticks: Vec<Mark>,
    pub(crate) series: Vec<Series>,
    pub(crate) marks: Vec<Mark>,
}

/// A place with its text.
pub(crate) struct Mark {
    pub(crate) at: String,
    pub(crate) text: String,
}

/// A line.
pub(crate) struct Series {
    pub(crate) class: &'static str,
    pub(crate) path: String,
    pub(crate) points: Vec<Point>,
    /// Where its name and last value stand; `None` when it has no point.
    pub(crate) end: Option<End>,
}

/// A point of a line.
pub(crate) struct Point {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) text: String,
}

/// The end of a line.
pub(crate) struct End {
    pub(crate) y: String,
    pub(crate) value: String,
    pub(crate) name: &'static str,
}

/// The values of a line, in the order of time.
pub(crate) struct Values {
    pub(crate) class: &'static str,
    pub(crate) name: &'static str,
    pub(crate) values: Vec<(Timestamp, f64)>,
}

/// What the numbers of a chart are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Up to 100.
    Percent,
    /// From 0.
    Number,
}

impl Unit {
    fn tell(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{value:.1} %"),
            Self::Number => format!("{value:.0}"),
        }
    }
}

/// The days that the charts of a report show.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    from: Timestamp,
    to: Timestamp,
}

impl Span {
    /// The days up to `to` that have something to show, as many as [`DAYS`].
    pub(crate) fn up_to(to: Timestamp, first: Option<Timestamp>) -> Self {
        let back = |days: i64| to.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN);
        let from = first.map_or(back(LEAST_DAYS), |first| first.clamp(back(DAYS), back(LEAST_DAYS)));
        Self { from, to }
    }

    /// Whether it shows this time.
    pub(crate) fn holds(self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }

    fn x(self, at: Timestamp) -> f64 {
        let whole = self.to.duration_since(self.from).as_secs_f64();
        let part = at.duration_since(self.from).as_secs_f64();
        LEFT + (RIGHT - LEFT) * (part / whole).clamp(0.0, 1.0)
    }

    /// Days at the foot of the chart, some four of them. A day begins at midnight, UTC.
    fn ticks(self) -> Vec<Mark> {
        let (from, to) = (day_number(self.from) + 1, day_number(self.to));
        let step = usize::try_from((to - from) / 3).unwrap_or_default().max(1);
        let begins = (from..=to).step_by(step).filter_map(|day| Timestamp::from_second(day * SECONDS_OF_A_DAY).ok());
        begins.map(|day| Mark { at: place(self.x(day)), text: day.strftime("%-d %b").to_string() }).collect()
    }
}

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// The number of a time's day, in UTC.
pub(crate) fn day_number(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SECONDS_OF_A_DAY)
}

impl Chart {
    /// Draws lines. `marks` are the scans that are in none of them, each with the reason.
    pub(crate) fn new(
        (id, title): (&'static str, &'static str),
        unit: Unit,
        span: Span,
        lines: Vec<Values>,
        marks: &[(Timestamp, String)],
    ) -> Self {
        let values = lines.iter().flat_map(|line| line.values.iter().map(|(_, value)| *value));
        let scale = Scale::of(unit, values);
        let told = lines.iter().map(|line| told(line, unit)).collect::<Vec<_>>().join(" ");
        let mut series: Vec<(f64, Series)> = lines.into_iter().map(|line| draw(line, unit, span, &scale)).collect();
        keep_apart(&mut series);
        Self {
            id,
            title,
            told,
            grid: scale.lines().map(|value| Mark { at: place(scale.y(value)), text: scale.label(value) }).collect(),
            ticks: span.ticks(),
            series: series.into_iter().map(|(_, series)| series).collect(),
            marks: marks
                .iter()
                .filter(|(at, _)| span.holds(*at))
                .map(|(at, text)| Mark { at: place(span.x(*at)), text: text.clone() })
                .collect(),
        }
    }

    pub(crate) const fn width(&self) -> f64 {
        WIDTH
    }

    pub(crate) const fn height(&self) -> f64 {
        HEIGHT
    }

    pub(crate) const fn left(&self) -> f64 {
        LEFT
    }

    pub(crate) const fn right(&self) -> f64 {
        RIGHT
    }

    pub(crate) const fn bottom(&self) -> f64 {
        BOTTOM
    }

    pub(crate) const fn marked_at(&self) -> f64 {
        MARKS
    }
}

/// From where to where the numbers go, in equal steps.
struct Scale {
    unit: Unit,
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    fn of(unit: Unit, values: impl Iterator<Item = f64>) -> Self {
        let (lowest, highest) =
            values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        match unit {
            // A line between 96 and 97 must not lie flat at the top: the axis begins below the lowest value.
            Unit::Percent => {
                let low = if lowest.is_finite() { ((lowest - 1.0) / 10.0).floor().max(0.0) * 10.0 } else { 0.0 };
                let step = if low < 60.0 {
                    20.0
                } else if low < 90.0 {
                    10.0
                } else {
                    2.5
                };
                Self { unit, low: (low / step).floor() * step, high: 100.0, step }
            }
            Unit::Number => {
                let wanted = (highest / 4.0).max(1.0);
                let magnitude = 10_f64.powf(wanted.log10().floor());
                let step = [1.0, 2.0, 5.0, 10.0].map(|of| of * magnitude).into_iter().find(|step| *step >= wanted);
                let step = step.unwrap_or(wanted);
                Self { unit, low: 0.0, high: (highest / step).ceil().max(1.0) * step, step }
            }
        }
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    fn lines(&self) -> impl Iterator<Item = f64> {
        let (low, step) = (self.low, self.step);
        let steps = ((self.high - low) / step).round();
        (0_u8..=20).map(f64::from).take_while(move |number| *number <= steps).map(move |number| low + number * step)
    }

    fn label(&self, value: f64) -> String {
        match self.unit {
            Unit::Percent => format!("{value} %"),
            Unit::Number => format!("{value}"),
        }
    }
}

fn draw(line: Values, unit: Unit, span: Span, scale: &Scale) -> (f64, Series) {
    let Values { class, name, values } = line;
    let mut path = String::new();
    let mut points = Vec::new();
    let mut end = None;
    let mut end_y = TOP;
    for (at, value) in values.into_iter().filter(|(at, _)| span.holds(*at)) {
        let (x, y) = (place(span.x(at)), place(scale.y(value)));
        // Writing into a text does not fail.
        let _ = write!(path, "{}{x} {y}", if path.is_empty() { "M" } else { "L" });
        let told = unit.tell(value);
        end_y = scale.y(value);
        points.push(Point { x, y, text: format!("{} UTC: {name} {told}", at.strftime("%-d %b %Y %H:%M")) });
        end = Some(End { y: String::new(), value: told, name });
    }
    (end_y, Series { class, path, points, end })
}

/// Sets the names at the ends of the lines so that none hides another one.
fn keep_apart(series: &mut [(f64, Series)]) {
    series.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    // A name takes two lines of text.
    let mut free = TOP + 4.0;
    let below = 2.0 * APART;
    let number = series.iter().filter(|(_, series)| series.end.is_some()).count();
    let mut left = u32::try_from(number).unwrap_or_default();
    for (y, series) in series {
        if let Some(end) = &mut series.end {
            left = left.saturating_sub(1);
            let last = BOTTOM - f64::from(left) * below;
            let at = y.max(free).min(last - 4.0);
            end.y = place(at);
            free = at + below;
        }
    }
}

fn told(line: &Values, unit: Unit) -> String {
    let day = |at: &Timestamp| at.strftime("%-d %B %Y").to_string();
    let name = line.name;
    match &line.values[..] {
        [] => format!("{name}: no value yet."),
        [(at, value)] => format!("{name}: {} on {}.", unit.tell(*value), day(at)),
        [(from, first), .., (to, last)] => {
            let (low, high) = line.values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, value)| {
                (low.min(*value), high.max(*value))
            });
            format!(
                "{name}: from {} on {} to {} on {}; lowest {}, highest {}.",
                unit.tell(*first),
                day(from),
                unit.tell(*last),
                day(to),
                unit.tell(low),
                unit.tell(high)
            )
        }
    }
}

/// A coordinate to a tenth.
fn place(at: f64) -> String {
    format!("{at:.1}")
}

/// A part of a bar.
pub(crate) struct Part {
    pub(crate) class: &'static str,
    pub(crate) x: String,
    pub(crate) width: String,
}

/// The parts of a bar 1,000 wide, as large as their numbers. What is there at all is seen.
pub(crate) fn bar(parts: &[(&'static str, u64)]) -> Vec<Part> {
    const LEAST: f64 = 6.0;
    let number = |number: u64| u32::try_from(number).map_or(f64::from(u32::MAX), f64::from);
    let there: Vec<(&'static str, f64)> =
        parts.iter().filter(|(_, of)| *of > 0).map(|(class, of)| (*class, number(*of))).collect();
    let whole: f64 = there.iter().map(|(_, of)| of).sum();
    let wide = |of: f64| (1000.0 * of / whole).max(LEAST);
    let sum: f64 = there.iter().map(|(_, of)| wide(*of)).sum();
    let mut x = 0.0;
    there
        .into_iter()
        .map(|(class, of)| {
            let width = 1000.0 * wide(of) / sum;
            let part = Part { class, x: place(x), width: place(width) };
            x += width;
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_795_413_600, 0);

    fn days_ago(days: i64) -> Timestamp {
        NOW.checked_sub((24 * days).hours()).unwrap()
    }

    fn chart(unit: Unit, values: &[(i64, f64)]) -> Chart {
        let values: Vec<_> = values.iter().map(|(days, value)| (days_ago(*days), *value)).collect();
        let span = Span::up_to(NOW, values.first().map(|(at, _)| *at));
        let line = Values { class: "a", name: "Score", values };
        Chart::new(("id", "title"), unit, span, vec![line], &[(days_ago(1), "partial".to_owned())])
    }

    #[test]
    fn a_line_goes_through_its_values_from_the_left_to_the_right() {
        // An axis from 50 (below 51) in steps of 20 begins at 40: 100 is at the top, 70 in the middle.
        let chart = chart(Unit::Percent, &[(90, 100.0), (45, 70.0), (0, 51.0)]);
        assert_eq!(chart.series[0].path, "M40.0 14.0L172.0 95.0L304.0 146.3");
        let grid: Vec<_> = chart.grid.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(grid, ["40 %", "60 %", "80 %", "100 %"]);
        assert_eq!(chart.series[0].end.as_ref().map(|end| end.value.as_str()), Some("51.0 %"));
        assert_eq!(
            chart.told,
            "Score: from 100.0 % on 25 August 2026 to 51.0 % on 23 November 2026; lowest 51.0 %, highest 100.0 %."
        );
        assert_eq!(chart.marks[0].at, "301.1");
    }

    #[test]
    fn numbers_begin_at_nothing_and_have_round_steps() {
        for (highest, top, steps) in [(0.0, "1", 2), (1.0, "1", 2), (7.0, "8", 5), (24.0, "30", 4), (2600.0, "3000", 4)]
        {
            let chart = chart(Unit::Number, &[(30, 0.0), (0, highest)]);
            let grid: Vec<_> = chart.grid.iter().map(|line| line.text.as_str()).collect();
            assert_eq!((grid.first(), grid.last(), grid.len()), (Some(&"0"), Some(&top), steps), "{highest}");
        }
    }

    #[test]
    fn there_may_be_nothing_or_one_value() {
        let none = chart(Unit::Percent, &[]);
        assert!(none.series[0].path.is_empty() && none.series[0].end.is_none());
        assert_eq!(none.told, "Score: no value yet.");
        let one = chart(Unit::Percent, &[(0, 97.3)]);
        assert_eq!(one.series[0].points.len(), 1);
        assert_eq!(one.told, "Score: 97.3 % on 23 November 2026.");
    }

    #[test]
    fn the_names_of_lines_do_not_hide_each_other() {
        let lines = ["a", "b", "c"].map(|name| Values { class: "a", name, values: vec![(NOW, 100.0)] }).into();
        let chart = Chart::new(("id", "title"), Unit::Percent, Span::up_to(NOW, None), lines, &[]);
        let mut ends: Vec<f64> =
            chart.series.iter().map(|line| line.end.as_ref().unwrap().y.parse().unwrap()).collect();
        ends.sort_by(f64::total_cmp);
        assert!(ends.windows(2).all(|pair| pair[1] - pair[0] >= 2.0 * APART), "{ends:?}");
        assert!(ends.iter().all(|at| (TOP..=BOTTOM).contains(at)), "{ends:?}");
    }

    #[test]
    fn a_bar_has_its_parts_side_by_side_and_shows_the_smallest() {
        let parts = bar(&[("a", 1), ("b", 0), ("c", 9999)]);
        assert_eq!(parts.iter().map(|part| part.class).collect::<Vec<_>>(), ["a", "c"]);
        let at: Vec<f64> =
            parts.iter().flat_map(|part| [part.x.parse::<f64>().unwrap(), part.width.parse().unwrap()]).collect();
        assert!(at[1] > 5.0 && (at[0] + at[1] - at[2]).abs() < 0.11 && (at[2] + at[3] - 1000.0).abs() < 0.11, "{at:?}");
        assert!(bar(&[("a", 0)]).is_empty());
    }
}

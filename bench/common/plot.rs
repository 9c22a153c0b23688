//! Plots, as SVG.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

/// Width and height, in pixels.
const SIZE: (u32, u32) = (720, 360);
/// Told apart by who sees few colours, too (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// Lines in one pair of axes.
#[derive(Debug, Default, Clone)]
pub struct Plot {
    /// What is above it.
    pub title: String,
    /// What goes to the right, with its unit.
    pub x: String,
    /// What goes up, with its unit.
    pub y: String,
    /// From where to where `y` goes; `None` for from 0 to the largest value.
    pub range: Option<(f64, f64)>,
    /// Name and points of each line.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

impl Plot {
    /// The shares of the values, in per cent, that are below each value: how delays are spread.
    pub fn distribution(title: &str, x: &str, lines: impl IntoIterator<Item = (String, Vec<f64>)>) -> Self {
        let points = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            let count = values.len() as f64;
            values.into_iter().zip(1_u32..).map(|(value, index)| (value, f64::from(index) * 100.0 / count)).collect()
        };
        let lines = lines.into_iter().map(|(name, values)| (name, points(values))).collect();
        let y = "as soon or sooner, %".to_owned();
        Self { title: title.to_owned(), x: x.to_owned(), y, range: Some((0.0, 100.0)), lines }
    }

    /// The same as SVG.
    ///
    /// # Errors
    /// Where nothing can be drawn.
    pub fn svg(&self) -> Result<String> {
        let mut text = String::new();
        self.draw(&mut text).map_err(|error| anyhow!("cannot draw {}: {error}", self.title))?;
        Ok(text)
    }

    fn draw(&self, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let right = points().map(|(x, _)| *x).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let top = points().map(|(_, y)| *y).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let (from, to) = self.range.unwrap_or((0.0, top * 1.05));
        let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
        // Pages are dark, too.
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..right, from..to)?;
        chart.configure_mesh().light_line_style(WHITE).x_desc(&self.x).y_desc(&self.y).draw()?;
        for ((name, points), colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
            let sample = |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour.stroke_width(2));
            chart.draw_series(line)?.label(name).legend(sample);
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .draw()?;
        Ok(area.present()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_its_names_and_lines() {
        let lines = [("ours".to_owned(), vec![3.0, 1.0, 2.0]), ("theirs".to_owned(), vec![4.0])];
        let plot = Plot::distribution("Delays", "ms", lines);
        assert_eq!(plot.lines[0].1[1], (2.0, 200.0 / 3.0));
        let svg = plot.svg().unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for text in ["Delays", "ours", "theirs", "as soon or sooner, %"] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
    }

    #[test]
    fn nothing_measured_is_no_error() {
        assert!(Plot::default().svg().is_ok());
    }
}

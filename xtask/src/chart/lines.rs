//! Lines over logarithmic axes, several panels side by side.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

/// One line: what it is called, and its points.
pub type Line = (String, Vec<(f64, f64)>);

/// One coordinate system.
pub struct Panel {
    /// What stands above it.
    pub title: String,
    /// What stands below it.
    pub across: String,
    /// What is drawn.
    pub lines: Vec<Line>,
}

const PANEL: (u32, u32) = (460, 380);
const COLOURS: [RGBColor; 4] =
    [RGBColor(31, 119, 180), RGBColor(214, 39, 40), RGBColor(44, 160, 44), RGBColor(148, 103, 189)];
const FONT: &str = "sans-serif";

/// Draws them from left to right.
pub fn draw(path: &Path, panels: &[Panel]) -> Result<()> {
    let size = (PANEL.0 * u32::try_from(panels.len())?, PANEL.1);
    let root = SVGBackend::new(path, size).into_drawing_area();
    let drawn = root.fill(&WHITE).map_err(|error| anyhow!("{error}")).and_then(|()| {
        let areas = root.split_evenly((1, panels.len()));
        areas.iter().zip(panels).try_for_each(|(area, panel)| draw_panel(area, panel))
    });
    drawn
        .and_then(|()| root.present().map_err(|error| anyhow!("{error}")))
        .map_err(|error| error.context(format!("cannot draw {}", path.display())))
}

fn draw_panel(area: &DrawingArea<SVGBackend<'_>, Shift>, panel: &Panel) -> Result<()> {
    let failed = |error: DrawingAreaErrorKind<_>| anyhow!("{error}");
    let points = || panel.lines.iter().flat_map(|(_, points)| points);
    let (x, y) = (decades(points().map(|point| point.0)), decades(points().map(|point| point.1)));
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, (FONT, 17))
        .margin(10)
        .margin_right(24)
        .x_label_area_size(42)
        .y_label_area_size(58)
        .build_cartesian_2d(x.log_scale(), y.log_scale())
        .map_err(failed)?;
    chart
        .configure_mesh()
        .x_desc(&panel.across)
        .x_labels(8)
        .y_labels(8)
        .x_label_formatter(&|value| label(*value))
        .y_label_formatter(&|value| label(*value))
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 14))
        .light_line_style(RGBColor(240, 240, 240))
        .draw()
        .map_err(failed)?;
    for ((name, points), colour) in panel.lines.iter().zip(COLOURS.iter().cycle()) {
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3);
        let sample = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2));
        chart.draw_series(line).map_err(failed)?.label(name).legend(sample);
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(RGBColor(200, 200, 200))
        .label_font((FONT, 13))
        .draw()
        .map_err(failed)
}

/// Whole decades around the values.
fn decades(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN_POSITIVE), |(low, high), value| (low.min(value), high.max(value)));
    let low = low.min(high).log10().floor();
    10_f64.powf(low)..10_f64.powf(high.log10().ceil().max(low + 1.0))
}

fn label(value: f64) -> String {
    match value {
        1e6.. => format!("{}M", value / 1e6),
        1e4.. => format!("{}k", value / 1e3),
        _ => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_covers_whole_decades() {
        let range = decades([3.0, 0.2, 1e4].into_iter());
        assert!((range.start - 0.1).abs() < 1e-9 && (range.end - 1e4).abs() < 1e-6, "{range:?}");
        let range = decades([1.0].into_iter());
        assert!((range.end - 10.0).abs() < 1e-9, "{range:?}");
    }

    #[test]
    fn labels_are_short() {
        assert_eq!([0.1, 1.0, 1e3, 1e4, 1e5, 1e6].map(label), ["0.1", "1", "1000", "10k", "100k", "1M"]);
    }
}

#pragma once

#include <string>
#include <vector>

#include "client/output/curve_plot.h"

namespace distill::client {

/// A curve of a chart. Curves of one job share a colour; a dashed one is told apart by that.
struct ChartCurve {
  Curve curve;
  size_t color = 0;  // of the page's palette, which repeats
  bool is_dashed = false;
};

struct Chart {
  std::string title;
  std::string x_title;
  std::vector<ChartCurve> curves;
};

/// The colours of a page's palette: classes c0, c1, ... of its style sheet.
inline constexpr size_t kNumChartColors = 8;

/// Returns a chart as HTML: a figure with an inline SVG whose axes have round numbers, and a legend
/// with each curve's last value. A value that is not finite is a gap; a curve without a finite
/// value stands in the legend only. Labels are escaped.
std::string ChartHtml(const Chart& chart);

/// Returns round numbers from `low` to `high`, about `count` of them, none outside. REQUIRES: both
/// are finite, low < high, count >= 2.
std::vector<double> RoundTicks(double low, double high, int count);

}  // namespace distill::client

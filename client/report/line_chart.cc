#include "client/report/line_chart.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "client/output/html_text.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

// In SVG units; the page scales the whole.
constexpr double kWidth = 560;
constexpr double kHeight = 300;
constexpr double kLeft = 62;
constexpr double kRight = 12;
constexpr double kTop = 10;
constexpr double kBottom = 40;
constexpr int kYTicks = 6;
constexpr int kXTicks = 8;
constexpr size_t kMaxMarkedPoints = 150;

struct Range {
  double low = 0;
  double high = 0;
};

std::string Number(double value) { return FixedText(value, 1); }

class Scale {
 public:
  Scale(Range range, double from, double to) : range_(range), from_(from), to_(to) {}

  double At(double value) const {
    return from_ + (value - range_.low) / (range_.high - range_.low) * (to_ - from_);
  }
  const Range& range() const { return range_; }

 private:
  Range range_;
  double from_;
  double to_;
};

template <typename Value>
std::optional<Range> RangeOf(const std::vector<ChartCurve>& curves, Value value) {
  std::optional<Range> range;
  for (const ChartCurve& curve : curves) {
    for (const Curve::Point& point : curve.curve.points) {
      if (!std::isfinite(point.y)) continue;
      const double v = value(point);
      range = range ? Range{std::min(range->low, v), std::max(range->high, v)} : Range{v, v};
    }
  }
  return range;
}

// A range with some room, never empty.
Range Widened(Range range, double share) {
  double room = (range.high - range.low) * share;
  if (range.high <= range.low) room = std::max(std::abs(range.low) * 0.1, 1e-9);
  return {range.low - room, range.high + room};
}

std::string Line(double x1, double y1, double x2, double y2, const char* kind) {
  return "<line class=\"" + std::string(kind) + "\" x1=\"" + Number(x1) + "\" y1=\"" + Number(y1) +
         "\" x2=\"" + Number(x2) + "\" y2=\"" + Number(y2) + "\"/>";
}

std::string Text(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + Number(x) + "\" y=\"" + Number(y) + "\" text-anchor=\"" + anchor + "\">" +
         HtmlText(text) + "</text>";
}

std::string Axes(const Chart& chart, const Scale& x, const Scale& y) {
  std::string svg;
  for (const double tick : RoundTicks(y.range().low, y.range().high, kYTicks)) {
    svg += Line(kLeft, y.At(tick), kWidth - kRight, y.At(tick), "grid");
    svg += Text(kLeft - 6, y.At(tick) + 4, "end", NumberText(tick));
  }
  for (const double tick : RoundTicks(x.range().low, x.range().high, kXTicks)) {
    if (tick != std::floor(tick)) continue;  // an epoch is whole
    svg += Line(x.At(tick), kHeight - kBottom, x.At(tick), kHeight - kBottom + 4, "axis");
    svg += Text(x.At(tick), kHeight - kBottom + 17, "middle", NumberText(tick));
  }
  svg += Line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "axis");
  svg += Line(kLeft, kTop, kLeft, kHeight - kBottom, "axis");
  svg += Text((kLeft + kWidth - kRight) / 2, kHeight - 4, "middle", chart.x_title);
  return svg;
}

std::string Stroke(const ChartCurve& curve) {
  return "c" + std::to_string(curve.color % kNumChartColors) + (curve.is_dashed ? " dashed" : "");
}

// The points as dots that tell their value; a lone point can be seen by its dot only.
std::string Dots(const ChartCurve& curve, const Chart& chart, const Scale& x, const Scale& y) {
  if (curve.curve.points.size() > kMaxMarkedPoints) return "";
  std::string svg;
  for (const Curve::Point& point : curve.curve.points) {
    if (!std::isfinite(point.y)) continue;
    svg += "<circle class=\"" + Stroke(curve) + "\" r=\"2\" cx=\"" + Number(x.At(point.x)) +
           "\" cy=\"" + Number(y.At(point.y)) + "\"><title>" + HtmlText(curve.curve.label) + ", " +
           HtmlText(chart.x_title) + " " + NumberText(point.x) + ": " + NumberText(point.y) +
           "</title></circle>";
  }
  return svg;
}

std::string Path(const ChartCurve& curve, const Scale& x, const Scale& y) {
  std::string path;
  bool is_pen_down = false;
  for (const Curve::Point& point : curve.curve.points) {
    if (!std::isfinite(point.y)) {
      is_pen_down = false;
      continue;
    }
    path += (is_pen_down ? "L" : "M") + Number(x.At(point.x)) + " " + Number(y.At(point.y));
    is_pen_down = true;
  }
  if (path.empty()) return "";
  return "<path class=\"" + Stroke(curve) + "\" d=\"" + path + "\"/>";
}

std::string LegendText(const Curve& curve) {
  for (auto point = curve.points.rbegin(); point != curve.points.rend(); ++point) {
    if (std::isfinite(point->y)) return curve.label + "  " + NumberText(point->y);
  }
  return curve.label + "  no points";
}

std::string Legend(const Chart& chart) {
  std::string html = "<figcaption>";
  for (const ChartCurve& curve : chart.curves) {
    html += "<span><svg class=\"key\" viewBox=\"0 0 26 8\" aria-hidden=\"true\"><path class=\"" +
            Stroke(curve) + "\" d=\"M1 4L25 4\"/></svg>" + HtmlText(LegendText(curve.curve)) +
            "</span>\n";
  }
  return html + "</figcaption>";
}

}  // namespace

std::vector<double> RoundTicks(double low, double high, int count) {
  const double rough = (high - low) / (count - 1);
  const double decade = std::pow(10.0, std::floor(std::log10(rough)));
  double step = decade * 10;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * decade >= rough) {
      step = factor * decade;
      break;
    }
  }
  std::vector<double> ticks;
  const double last = std::floor(high / step * (1 + 1e-12));
  for (double index = std::ceil(low / step * (1 - 1e-12)); index <= last; ++index) {
    ticks.push_back(index * step + 0.0);  // no minus before a zero
  }
  return ticks;
}

std::string ChartHtml(const Chart& chart) {
  std::string html = "<figure class=\"chart\"><h4>" + HtmlText(chart.title) + "</h4>\n";
  const auto xs = RangeOf(chart.curves, [](const Curve::Point& point) { return point.x; });
  const auto ys = RangeOf(chart.curves, [](const Curve::Point& point) { return point.y; });
  if (xs && ys) {
    const Range x_range = xs->high > xs->low ? *xs : Range{xs->low - 1, xs->high + 1};
    const Scale x(x_range, kLeft + 4, kWidth - kRight - 4);
    const Scale y(Widened(*ys, 0.04), kHeight - kBottom, kTop);
    html += "<svg viewBox=\"0 0 " + NumberText(kWidth) + " " + NumberText(kHeight) +
            "\" role=\"img\" aria-label=\"" + HtmlText(chart.title) + "\">" + Axes(chart, x, y);
    for (const ChartCurve& curve : chart.curves) html += Path(curve, x, y);
    for (const ChartCurve& curve : chart.curves) html += Dots(curve, chart, x, y);
    html += "</svg>\n";
  }
  return html + Legend(chart) + "</figure>\n";
}

}  // namespace distill::client

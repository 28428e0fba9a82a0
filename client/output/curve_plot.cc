#include "client/output/curve_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

#include "client/output/printable_text.h"
#include "client/output/quantity_text.h"
#include "client/output/text_table.h"

namespace distill::client {
namespace {

constexpr size_t kMinWidth = 40;
constexpr size_t kMinHeight = 2;
constexpr std::array<const char*, 6> kColors = {"\x1b[36m", "\x1b[33m", "\x1b[35m",
                                                "\x1b[32m", "\x1b[31m", "\x1b[34m"};
constexpr char kMarkers[] = "*o+x#@%&";
constexpr size_t kNumMarkers = sizeof(kMarkers) - 1;

struct PlotRange {
  double low = 0;
  double high = 0;
  double span() const { return high > low ? high - low : 1; }
};

struct PlotRanges {
  PlotRange x;
  PlotRange y;
};

std::optional<PlotRanges> RangesOf(const std::vector<Curve>& curves) {
  std::optional<PlotRanges> ranges;
  for (const Curve& curve : curves) {
    for (const Curve::Point& point : curve.points) {
      if (!std::isfinite(point.y)) continue;
      if (!ranges) ranges = PlotRanges{{point.x, point.x}, {point.y, point.y}};
      ranges->x = {std::min(ranges->x.low, point.x), std::max(ranges->x.high, point.x)};
      ranges->y = {std::min(ranges->y.low, point.y), std::max(ranges->y.high, point.y)};
    }
  }
  return ranges;
}

// A grid of characters, each of `dots_across` x `dots_down` dots.
class Canvas {
 public:
  Canvas(size_t columns, size_t rows, bool is_braille)
      : columns_(columns),
        rows_(rows),
        dots_across_(is_braille ? 2 : 1),
        dots_down_(is_braille ? 4 : 1),
        cells_(columns * rows) {}

  void Draw(size_t index, const Curve& curve, const PlotRanges& ranges) {
    Dot before;
    bool is_joined = false;
    for (const Curve::Point& point : curve.points) {
      const bool is_gap = !std::isfinite(point.y);
      if (!is_gap) {
        const Dot dot = DotOf(point, ranges);
        DrawLine(index, is_joined ? before : dot, dot);
        before = dot;
      }
      is_joined = !is_gap;
    }
  }

  // Returns row `row` from the top, without blanks at its end.
  std::string Row(size_t row, const PlotStyle& style) const {
    size_t end = columns_;
    while (end > 0 && At(end - 1, row).dots == 0) --end;
    std::string text;
    for (size_t column = 0; column < end; ++column) text += Text(At(column, row), style);
    return text;
  }

 private:
  struct Cell {
    uint8_t dots = 0;
    size_t curve = 0;  // drawn last
  };
  struct Dot {
    int64_t x = 0;  // from the left
    int64_t y = 0;  // from the top
  };

  const Cell& At(size_t column, size_t row) const { return cells_[row * columns_ + column]; }

  Dot DotOf(const Curve::Point& point, const PlotRanges& ranges) const {
    const auto last_x = static_cast<double>(columns_ * dots_across_ - 1);
    const auto last_y = static_cast<double>(rows_ * dots_down_ - 1);
    return {std::llround((point.x - ranges.x.low) / ranges.x.span() * last_x),
            std::llround((ranges.y.high - point.y) / ranges.y.span() * last_y)};
  }

  void DrawLine(size_t index, const Dot& from, const Dot& to) {
    const int64_t steps = std::max(std::abs(to.x - from.x), std::abs(to.y - from.y));
    for (int64_t step = 0; step <= steps; ++step) {
      const double share = steps == 0 ? 0 : static_cast<double>(step) / static_cast<double>(steps);
      Set(index, {from.x + std::llround(share * static_cast<double>(to.x - from.x)),
                  from.y + std::llround(share * static_cast<double>(to.y - from.y))});
    }
  }

  void Set(size_t index, const Dot& dot) {
    // The bits of Unicode's braille patterns, by column and row of the dot.
    static constexpr uint8_t kBits[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};
    const auto x = static_cast<size_t>(dot.x);
    const auto y = static_cast<size_t>(dot.y);
    Cell& cell = cells_[(y / dots_down_) * columns_ + x / dots_across_];
    cell.dots = static_cast<uint8_t>(cell.dots | kBits[x % dots_across_][y % dots_down_]);
    cell.curve = index;
  }

  std::string Text(const Cell& cell, const PlotStyle& style) const {
    if (cell.dots == 0) return " ";
    if (dots_across_ == 1) return {kMarkers[cell.curve % kNumMarkers]};
    // U+2800 and the dots, as UTF-8.
    std::string braille{'\xE2', static_cast<char>(0xA0 | (cell.dots >> 6U)),
                        static_cast<char>(0x80 | (cell.dots & 0x3FU))};
    if (!style.has_color) return braille;
    return kColors[cell.curve % kColors.size()] + braille + std::string(kNoColor);
  }

  const size_t columns_;
  const size_t rows_;
  const size_t dots_across_;
  const size_t dots_down_;
  std::vector<Cell> cells_;
};

std::string Padded(const std::string& text, size_t width) {
  const size_t length = DisplayWidth(text);
  return length < width ? std::string(width - length, ' ') + text : text;
}

std::string Repeated(const char* text, size_t count) {
  std::string line;
  for (size_t i = 0; i < count; ++i) line += text;
  return line;
}

std::string LegendLine(const Curve& curve) {
  std::optional<double> last;
  PlotRange range;
  for (const Curve::Point& point : curve.points) {
    if (!std::isfinite(point.y)) continue;
    range = last ? PlotRange{std::min(range.low, point.y), std::max(range.high, point.y)}
                 : PlotRange{point.y, point.y};
    last = point.y;
  }
  if (!last) return curve.label + "  no points";
  return curve.label + "  last " + NumberText(*last) + ", min " + NumberText(range.low) + ", max " +
         NumberText(range.high);
}

// How all of one plot looks.
struct Look {
  PlotStyle style;
  bool has_markers = false;  // a letter for each curve
};

void PrintLegend(const std::vector<Curve>& curves, const Look& look, std::ostream& out) {
  const PlotStyle& style = look.style;
  for (size_t index = 0; index < curves.size(); ++index) {
    std::string key = style.is_ascii ? "-" : "─";
    if (look.has_markers) key = std::string(1, kMarkers[index % kNumMarkers]);
    const std::string_view color = style.has_color ? kColors[index % kColors.size()] : "";
    out << "  " << ColoredText{key, color} << ' ' << OneLine(LegendLine(curves[index])) << '\n';
  }
}

void PrintArea(const std::vector<Curve>& curves, const PlotRanges& ranges,
               const std::string& x_title, const Look& look, std::ostream& out) {
  const PlotStyle& style = look.style;
  const std::string high = NumberText(ranges.y.high);
  const std::string low = ranges.y.high > ranges.y.low ? NumberText(ranges.y.low) : "";
  const size_t margin = std::max(DisplayWidth(high), DisplayWidth(low));
  const size_t rows = std::max(style.height, kMinHeight);
  const size_t columns = std::max(style.width, kMinWidth) - margin - 3;
  Canvas canvas(columns, rows, !look.has_markers);
  for (size_t index = 0; index < curves.size(); ++index) canvas.Draw(index, curves[index], ranges);
  const std::string side = style.is_ascii ? "|" : "│";
  for (size_t row = 0; row < rows; ++row) {
    const std::string label = row == 0 ? high : row == rows - 1 ? low : "";
    out << Padded(label, margin + 1) << side << TerminalOrder{canvas.Row(row, style)} << '\n';
  }
  out << std::string(margin + 1, ' ') << (style.is_ascii ? "+" : "└")
      << Repeated(style.is_ascii ? "-" : "─", columns) << '\n';
  const std::string first = NumberText(ranges.x.low);
  const std::string last = x_title + " " + NumberText(ranges.x.high);
  out << std::string(margin + 2, ' ') << first
      << Padded(last, columns - std::min(columns, DisplayWidth(first))) << '\n';
}

}  // namespace

void PrintPlot(const std::string& title, const std::string& x_title,
               const std::vector<Curve>& curves, const PlotStyle& style, std::ostream& out) {
  Look look{style};
  look.style.has_color = style.has_color && !style.is_ascii;
  look.has_markers = style.is_ascii || (!look.style.has_color && curves.size() > 1);
  out << OneLine(title) << '\n';
  if (const auto ranges = RangesOf(curves)) {
    PrintArea(curves, *ranges, x_title, look, out);
  }
  PrintLegend(curves, look, out);
}

}  // namespace distill::client

#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace distill::client {

/// One line of a plot.
struct Curve {
  struct Point {
    double x = 0;
    double y = 0;  // not finite = a gap
  };
  std::string label;
  std::vector<Point> points;  // by x
};

struct PlotStyle {
  size_t width = 80;   // characters, axis included; less than 40 counts as 40
  size_t height = 12;  // lines of the area that curves are drawn in, at least 2
  bool is_ascii = false;
  bool has_color = false;
};

/// Draws curves over a common axis: a title, the area with the range of both axes, and a line of
/// legend for each curve. Curves are drawn in braille dots; in ASCII, and where several curves
/// could not be told apart for want of colour, with a letter of their own each. Curves without a
/// finite point are named in the legend only.
void PrintPlot(const std::string& title, const std::string& x_title,
               const std::vector<Curve>& curves, const PlotStyle& style, std::ostream& out);

}  // namespace distill::client

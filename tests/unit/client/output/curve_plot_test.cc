#include "client/output/curve_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "client/output/text_table.h"

namespace distill::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Plotted(const std::vector<Curve>& curves, const PlotStyle& style) {
  std::ostringstream out;
  PrintPlot("val/accuracy", "epoch", curves, style, out);
  return out.str();
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

PlotStyle Ascii(size_t width, size_t height) {
  PlotStyle style;
  style.width = width;
  style.height = height;
  style.is_ascii = true;
  return style;
}

TEST(CurvePlotTest, ARisingLineGoesFromTheLowerLeftToTheUpperRight) {
  const std::string plot = Plotted({{"teacher", {{1, 0}, {4, 0.5}}}}, Ascii(40, 4));

  EXPECT_EQ(plot,
            "val/accuracy\n"
            " 0.5|                            ******\n"
            "    |                 ***********\n"
            "    |      ***********\n"
            "   0|******\n"
            "    +----------------------------------\n"
            "     1                          epoch 4\n"
            "  * teacher  last 0.5, min 0, max 0.5\n");
}

TEST(CurvePlotTest, NoLineIsWiderThanAskedFor) {
  for (const size_t width : {40U, 57U, 120U}) {
    PlotStyle style;
    style.width = width;
    for (const std::string& line :
         LinesOf(Plotted({{"a", {{1, 0.123456}, {2, 3}, {3, -1}}}}, style))) {
      EXPECT_LE(DisplayWidth(line), width) << line;
    }
  }
}

TEST(CurvePlotTest, SeveralCurvesHaveALetterEachWhereThereIsNoColour) {
  PlotStyle style;
  const std::string plot =
      Plotted({{"teacher", {{1, 0}, {2, 0}}}, {"student", {{1, 1}, {2, 1}}}}, style);

  EXPECT_THAT(plot, HasSubstr("* teacher"));
  EXPECT_THAT(plot, HasSubstr("o student"));
  EXPECT_THAT(plot, HasSubstr("│oooo"));
  EXPECT_THAT(plot, HasSubstr("│****"));
  EXPECT_THAT(plot, Not(HasSubstr("\x1b[")));
}

TEST(CurvePlotTest, CurvesAreToldApartByColourWhereThereIsOne) {
  PlotStyle style;
  style.has_color = true;
  const std::string plot = Plotted({{"a", {{1, 0}, {2, 0}}}, {"b", {{1, 1}, {2, 1}}}}, style);

  EXPECT_THAT(plot, HasSubstr("\x1b[36m⣀\x1b[0m"));
  EXPECT_THAT(plot, HasSubstr("\x1b[33m⠉\x1b[0m"));
}

TEST(CurvePlotTest, APointThatIsNoNumberLeavesAGap) {
  const double nan = std::numeric_limits<double>::quiet_NaN();

  const std::string plot = Plotted({{"a", {{1, 1}, {2, nan}, {3, 1}}}}, Ascii(40, 2));

  EXPECT_THAT(plot, HasSubstr(" 1|*                                  *\n  |\n"));
}

TEST(CurvePlotTest, ACurveWithoutPointsIsNamedOnly) {
  EXPECT_EQ(Plotted({{"a", {}}}, Ascii(40, 2)), "val/accuracy\n  * a  no points\n");
}

TEST(CurvePlotTest, AsciiMeansAscii) {
  PlotStyle style = Ascii(60, 6);
  style.has_color = true;
  for (const char c : Plotted({{"a", {{1, 1}, {2, 5}}}, {"b", {{1, 5}, {2, 1}}}}, style)) {
    EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  }
}

}  // namespace
}  // namespace distill::client

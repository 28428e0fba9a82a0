#include "client/report/line_chart.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace distill::client {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Chart ChartOf(std::vector<Curve::Point> points) {
  Chart chart{"Loss", "epoch", {}};
  chart.curves.push_back({{"a<b", std::move(points)}, 0, false});
  return chart;
}

TEST(LineChartTest, TicksAreRoundAndInsideTheRange) {
  EXPECT_THAT(RoundTicks(0.13, 0.92, 5),
              ElementsAre(DoubleNear(0.2, 1e-12), DoubleNear(0.4, 1e-12), DoubleNear(0.6, 1e-12),
                          DoubleNear(0.8, 1e-12)));
  EXPECT_THAT(RoundTicks(0, 20, 5), ElementsAre(0, DoubleEq(5), 10, 15, 20));
  EXPECT_THAT(RoundTicks(-3, 3, 4), ElementsAre(-2, 0, 2));
}

TEST(LineChartTest, ATickAtZeroHasNoMinus) {
  EXPECT_FALSE(std::signbit(RoundTicks(-0.1, 1, 5).at(0)));
}

TEST(LineChartTest, ALabelIsEscaped) {
  EXPECT_THAT(ChartHtml(ChartOf({{1, 1}, {2, 2}})), HasSubstr("a&lt;b  2"));
}

TEST(LineChartTest, AValueThatIsNotFiniteIsAGap) {
  const std::string html =
      ChartHtml(ChartOf({{1, 1}, {2, std::numeric_limits<double>::quiet_NaN()}, {3, 3}}));

  const size_t path = html.find("<path class=\"c0\" d=\"M");
  ASSERT_NE(path, std::string::npos);
  const std::string line = html.substr(path, html.find("/>", path) - path);
  EXPECT_THAT(line.substr(line.find("d=\"M") + 4), HasSubstr("M"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(LineChartTest, ASinglePointIsADotWithRoomAround) {
  const std::string html = ChartHtml(ChartOf({{1, 0.5}}));

  EXPECT_THAT(html, HasSubstr("<circle"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf")));
}

TEST(LineChartTest, ACurveWithoutPointsStandsInTheLegendOnly) {
  const std::string html = ChartHtml(ChartOf({}));

  EXPECT_THAT(html, HasSubstr("a&lt;b  no points"));
  EXPECT_THAT(html, Not(HasSubstr("role=\"img\"")));
}

}  // namespace
}  // namespace distill::client

#include "client/output/quantity_text.h"

#include <gmock/gmock.h>

#include "tests/matchers/status_matchers.h"

namespace distill::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(QuantityTextTest, DurationsShowTheirTwoLargestUnits) {
  EXPECT_EQ(DurationText(seconds(0)), "0s");
  EXPECT_EQ(DurationText(seconds(45)), "45s");
  EXPECT_EQ(DurationText(seconds(200)), "3m20s");
  EXPECT_EQ(DurationText(seconds(7200)), "2h");
  EXPECT_EQ(DurationText(seconds(4 * 86400 + 3 * 3600 + 59)), "4d3h");
  EXPECT_EQ(DurationText(seconds(-5)), "0s");
}

TEST(QuantityTextTest, DurationsAreRead) {
  EXPECT_EQ(ParseDuration("90").value(), milliseconds(90'000));
  EXPECT_EQ(ParseDuration("0.3s").value(), milliseconds(300));
  EXPECT_EQ(ParseDuration("1h30m").value(), milliseconds(5'400'000));
  for (const char* text : {"", "x", "-1", "5y", "1h30", "nan", "inf", "1e300d", "h"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(QuantityTextTest, TimesAreRfc3339InUtc) {
  EXPECT_EQ(TimeText(0), "-");
  EXPECT_EQ(TimeText(1'700'000'000'000), "2023-11-14T22:13:20Z");  // date -u -d @1700000000
}

TEST(QuantityTextTest, SizesAreInBinaryUnits) {
  EXPECT_EQ(BytesText(1023), "1023 B");
  EXPECT_EQ(BytesText(1024), "1.0 KiB");
  EXPECT_EQ(BytesText(14'050'918), "13.4 MiB");
}

TEST(QuantityTextTest, ExactNumbersReadBackAsTheSameDouble) {
  EXPECT_EQ(ExactText(0.1), "0.1");
  EXPECT_EQ(std::stod(ExactText(1.0 / 3)), 1.0 / 3);
}

TEST(QuantityTextTest, SizesAreReadInPowersOfTwoAndTen) {
  EXPECT_EQ(ParseBytes("12GiB").value(), int64_t{12} << 30);
  EXPECT_EQ(ParseBytes("1.5 gib").value(), int64_t{3} << 29);
  EXPECT_EQ(ParseBytes("800MiB").value(), int64_t{800} << 20);
  EXPECT_EQ(ParseBytes("2GB").value(), 2'000'000'000);
  EXPECT_EQ(ParseBytes("4096").value(), 4096);
  for (const char* wrong : {"", "GiB", "-1GiB", "12Gi", "nan", "1e300GiB", "12GiB!"}) {
    EXPECT_FALSE(ParseBytes(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace distill::client

#include "client/output/tensorboard_file.h"

#include <gmock/gmock.h>

#include "distill/tensorboard/event.pb.h"

namespace distill::client {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

uint64_t LengthAt(const std::string& file, size_t position) {
  uint64_t length = 0;
  for (size_t i = 0; i < 8; ++i) {
    length |= static_cast<uint64_t>(static_cast<unsigned char>(file.at(position + i))) << (8 * i);
  }
  return length;
}

std::vector<tensorboard::Event> Read(const std::string& file) {
  constexpr size_t kBefore = 12;
  constexpr size_t kAfter = 4;
  std::vector<tensorboard::Event> events;
  for (size_t position = 0; position < file.size();) {
    const size_t length = LengthAt(file, position);
    EXPECT_TRUE(events.emplace_back().ParseFromString(file.substr(position + kBefore, length)));
    position += kBefore + length + kAfter;
  }
  return events;
}

v1::MetricSeries Series(const std::string& name, const std::vector<double>& values) {
  v1::MetricSeries series;
  series.set_name(name);
  for (const double value : values) {
    v1::MetricPoint& point = *series.add_points();
    point.set_epoch(series.points_size());
    point.set_at_unix_ms(1'700'000'000'500 + 1000 * series.points_size());
    point.set_value(value);
  }
  return series;
}

std::vector<std::string> Tags(const std::vector<tensorboard::Event>& events) {
  std::vector<std::string> tags;
  for (const tensorboard::Event& event : events) {
    if (event.has_summary()) {
      tags.push_back(std::to_string(event.step()) + " " + event.summary().value(0).tag());
    }
  }
  return tags;
}

// The sums are those of masked_crc32c() of Python's tensorboard 2.21, of 8 zero bytes and of none.
TEST(TensorBoardFileTest, ARecordIsFramedByLengthAndMaskedSums) {
  const std::string record = TfRecord("");

  ASSERT_EQ(record.size(), 16U);
  EXPECT_EQ(record.substr(0, 8), std::string(8, '\0'));
  EXPECT_EQ(record.substr(8, 4), "\x29\x03\x98\x07");
  EXPECT_EQ(record.substr(12), "\xD8\xEA\x82\xA2");
}

TEST(TensorBoardFileTest, EventsStandByEpochWithTheirTimes) {
  const auto events = Read(TensorBoardFile(
      {Series("val/loss", {3, 2}), Series("train/loss", {5, 4})}, 1'700'000'000'000));

  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[0].wall_time(), 1'700'000'000);
  EXPECT_THAT(Tags(events),
              ElementsAre("1 train/loss", "1 val/loss", "2 train/loss", "2 val/loss"));
  EXPECT_EQ(events[4].summary().value(0).simple_value(), 2);
  EXPECT_EQ(events[4].wall_time(), 1'700'000'002.5);
}

TEST(TensorBoardFileTest, TheFileOfAJobThatWentOnBeginsWithTheOldOne) {
  const std::string before =
      TensorBoardFile({Series("a", {1}), Series("b", {1})}, 1'700'000'000'000);

  const std::string after =
      TensorBoardFile({Series("a", {1, 2}), Series("b", {1, 2})}, 1'700'000'000'000);

  EXPECT_THAT(after, StartsWith(before));
}

}  // namespace
}  // namespace distill::client

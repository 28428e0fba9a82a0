#include "client/output/tensorboard_file.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "core/base/crc32c.h"
#include "distill/tensorboard/event.pb.h"

namespace distill::client {
namespace {

constexpr double kMillisPerSecond = 1000;

struct Scalar {
  const v1::MetricPoint* point = nullptr;
  const std::string* name = nullptr;
};

template <typename Number>
std::string LittleEndian(Number number) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    bytes += static_cast<char>((number >> (8 * i)) & 0xFF);
  }
  return bytes;
}

// Rotated and shifted, so that the sum of data that hold sums is no special case.
uint32_t MaskedCrc(std::string_view bytes) {
  constexpr uint32_t kDelta = 0xA282EAD8;
  const uint32_t crc = Crc32c(bytes);
  return ((crc >> 15U) | (crc << 17U)) + kDelta;
}

std::string Record(const tensorboard::Event& event) { return TfRecord(event.SerializeAsString()); }

}  // namespace

std::string TfRecord(const std::string& data) {
  const std::string length = LittleEndian<uint64_t>(data.size());
  return length + LittleEndian(MaskedCrc(length)) + data + LittleEndian(MaskedCrc(data));
}

std::string TensorBoardFile(const std::vector<v1::MetricSeries>& series,
                            int64_t created_at_unix_ms) {
  std::vector<Scalar> scalars;
  for (const v1::MetricSeries& one : series) {
    for (const v1::MetricPoint& point : one.points()) scalars.push_back({&point, &one.name()});
  }
  std::stable_sort(scalars.begin(), scalars.end(), [](const Scalar& left, const Scalar& right) {
    return std::tuple(left.point->epoch(), *left.name) <
           std::tuple(right.point->epoch(), *right.name);
  });
  tensorboard::Event version;
  version.set_wall_time(static_cast<double>(created_at_unix_ms) / kMillisPerSecond);
  version.set_file_version("brain.Event:2");
  std::string file = Record(version);
  for (const Scalar& scalar : scalars) {
    tensorboard::Event event;
    event.set_wall_time(static_cast<double>(scalar.point->at_unix_ms()) / kMillisPerSecond);
    event.set_step(scalar.point->epoch());
    auto& value = *event.mutable_summary()->add_value();
    value.set_tag(*scalar.name);
    value.set_simple_value(static_cast<float>(scalar.point->value()));
    file += Record(event);
  }
  return file;
}

}  // namespace distill::client

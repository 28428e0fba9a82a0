#include "core/worker/outcome.h"

#include <gmock/gmock.h>

#include "core/base/durable_file.h"

namespace distill::core {
namespace {

worker::v1::Outcome OutcomeOfReading(const std::filesystem::path& path) {
  return OutcomeOf(ReadFile(path).status());
}

TEST(OutcomeTest, AFileThatCannotBeReadIsNeverTheDevicesFault) {
  const worker::v1::Outcome storage = OutcomeOfReading("/proc/self/mem");  // EIO

  EXPECT_EQ(storage.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(storage.cause(), v1::CAUSE_STORAGE);
  EXPECT_THAT(storage.message(), ::testing::HasSubstr("Input/output error"));
  EXPECT_EQ(ExitCodeOf(storage), WorkerExit::kStorage);
  EXPECT_EQ(OutcomeOfReading("/proc").cause(), v1::CAUSE_BAD_SPEC);
  EXPECT_EQ(OutcomeOfReading("/proc/absent").cause(), v1::CAUSE_BAD_SPEC);
  EXPECT_EQ(OutcomeOf(ReadErrnoStatus("open x", EACCES)).cause(), v1::CAUSE_BAD_SPEC);
}

TEST(OutcomeTest, ADeviceThatFailsIsADeviceError) {
  const worker::v1::Outcome device = OutcomeOf({Code::kUnavailable, "CUDA error"});

  EXPECT_EQ(device.cause(), v1::CAUSE_DEVICE_ERROR);
  EXPECT_EQ(ExitCodeOf(device), WorkerExit::kDeviceError);
}

}  // namespace
}  // namespace distill::core

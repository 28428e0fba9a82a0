#include <gtest/gtest.h>

#include <string>

#include "tests/fuzz/replay/replay.h"

// As named by the build file.
extern "C" int Fuzz_config(const uint8_t* data, size_t size);       // NOLINT
extern "C" int Fuzz_credentials(const uint8_t* data, size_t size);  // NOLINT
extern "C" int Fuzz_job_file(const uint8_t* data, size_t size);     // NOLINT
extern "C" int Fuzz_job_request(const uint8_t* data, size_t size);  // NOLINT
extern "C" int Fuzz_journal(const uint8_t* data, size_t size);      // NOLINT
extern "C" int Fuzz_page_token(const uint8_t* data, size_t size);   // NOLINT

namespace distill::testing {
namespace {

struct Target {
  const char* name;
  FuzzTarget run;
};

class ServicesReplayTest : public ::testing::TestWithParam<Target> {};

TEST_P(ServicesReplayTest, TakesItsCorpusCutAndSpoilt) {
  const std::filesystem::path corpus = DISTILL_FUZZ_CORPUS;
  EXPECT_GT(Replay(GetParam().run, {corpus / GetParam().name}), 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, ServicesReplayTest,
    ::testing::Values(Target{"config", Fuzz_config}, Target{"credentials", Fuzz_credentials},
                      Target{"job_file", Fuzz_job_file}, Target{"job_request", Fuzz_job_request},
                      Target{"journal", Fuzz_journal}, Target{"page_token", Fuzz_page_token}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace distill::testing

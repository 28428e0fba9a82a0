#include <gtest/gtest.h>

#include "tests/fuzz/replay/replay.h"

// As named by the build file.
extern "C" int Fuzz_cifar(const uint8_t* data, size_t size);                // NOLINT
extern "C" int Fuzz_pickle(const uint8_t* data, size_t size);               // NOLINT
extern "C" int Fuzz_pytorch_file(const uint8_t* data, size_t size);         // NOLINT
extern "C" int Fuzz_safetensors(const uint8_t* data, size_t size);          // NOLINT
extern "C" int Fuzz_training_checkpoint(const uint8_t* data, size_t size);  // NOLINT

namespace distill::testing {
namespace {

const std::filesystem::path kFixtures = DISTILL_CHECKPOINT_FIXTURES;
const std::filesystem::path kCorpus = DISTILL_FUZZ_CORPUS;

TEST(CoreReplayTest, ReadersTakeTheirCorpusCutAndSpoilt) {
  EXPECT_GT(Replay(Fuzz_cifar, {kCorpus / "cifar"}), 0);
  EXPECT_GT(Replay(Fuzz_pickle, {kCorpus / "pickle"}), 0);
  EXPECT_GT(Replay(Fuzz_pytorch_file, {kCorpus / "pytorch_file"}), 0);
  EXPECT_GT(Replay(Fuzz_safetensors, {kCorpus / "safetensors"}), 0);
  EXPECT_GT(Replay(Fuzz_training_checkpoint, {kCorpus / "training_checkpoint"}), 0);
}

TEST(CoreReplayTest, ReadersOfWeightsTakeRealFilesCutAndSpoilt) {
  EXPECT_GT(Replay(Fuzz_pickle, {kFixtures}), 0);
  EXPECT_GT(Replay(Fuzz_pytorch_file, {kFixtures}), 0);
  EXPECT_GT(Replay(Fuzz_safetensors, {kFixtures}), 0);
}

}  // namespace
}  // namespace distill::testing

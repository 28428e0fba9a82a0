#include "core/device/random_stream.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <thread>

#include "core/device/generator_state.h"

namespace distill::core {
namespace {

at::Tensor Draw() { return at::empty({64}).bernoulli_(0.5, StreamGenerator()); }

TEST(RandomStreamTest, StreamOfASeedDrawsAsTheDefaultGeneratorOfThatSeed) {
  at::manual_seed(5);
  const at::Tensor expected = at::empty({64}).bernoulli_(0.5);

  const RandomStreamScope scope(MakeStreamGenerator(at::kCPU, 5));

  EXPECT_TRUE(at::equal(Draw(), expected));
}

TEST(RandomStreamTest, DrawingFromAStreamLeavesTheDefaultGeneratorAlone) {
  at::manual_seed(5);
  const at::Tensor before = GeneratorState(at::kCPU);
  {
    const RandomStreamScope scope(MakeStreamGenerator(at::kCPU, 6));
    Draw();
  }

  EXPECT_TRUE(at::equal(GeneratorState(at::kCPU), before));
  EXPECT_FALSE(StreamGenerator().defined());
}

TEST(RandomStreamTest, ScopeIsThatOfItsThread) {
  const RandomStreamScope scope(MakeStreamGenerator(at::kCPU, 5));
  bool is_defined_elsewhere = true;

  std::thread([&] { is_defined_elsewhere = StreamGenerator().defined(); }).join();

  EXPECT_TRUE(StreamGenerator().defined());
  EXPECT_FALSE(is_defined_elsewhere);
}

TEST(RandomStreamTest, StreamGoesOnFromItsState) {
  const at::Generator generator = MakeStreamGenerator(at::kCPU, 5);
  const RandomStreamScope scope(generator);
  Draw();
  const at::Tensor state = GeneratorState(generator);
  const at::Tensor expected = Draw();

  ASSERT_TRUE(SetGeneratorState(generator, state).ok());

  EXPECT_TRUE(at::equal(Draw(), expected));
}

}  // namespace
}  // namespace distill::core

#include "core/eval/even_batches.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace distill::core {
namespace {

TEST(EvenBatchesTest, ASmallerBatchBecomesAsLargeAsTheLargestBefore) {
  EvenBatches even_batches;
  const at::Tensor small = at::rand({2, 3, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(even_batches.Fill(small).is_same(small));  // nothing larger was seen
  const at::Tensor large = at::rand({5, 3, 4, 4});
  EXPECT_TRUE(even_batches.Fill(large).is_same(large));

  const at::Tensor filled = even_batches.Fill(small);

  ASSERT_EQ(filled.sizes(), at::IntArrayRef({5, 3, 4, 4}));
  EXPECT_TRUE(filled.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(filled.narrow(0, 0, 2), small));
  EXPECT_EQ(filled.narrow(0, 2, 3).abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace distill::core

// Pickles written by hand, opcode by opcode (Python's pickletools.py names them).
#include "core/checkpoint/pickle.h"

#include <gtest/gtest.h>

#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::HasSubstr;

Result<PickleRef> Read(const std::string& opcodes, PickleArena& arena) {
  size_t consumed = 0;
  return ReadPickle("\x80\x02" + opcodes, arena, consumed);
}

/// A persistent id of a float storage with `count` elements: ('storage', FloatStorage, '0', 'cpu').
std::string Storage(const std::string& count) {
  return "(U\x07storagectorch\nFloatStorage\nU\x01"
         "0U\x03"
         "cpu" +
         count + "tQ";
}

std::string Tensor(const std::string& offset, const std::string& sizes,
                   const std::string& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + Storage("K\x0c") + offset + sizes + strides +
         "\x89NtR.";
}

TEST(PickleTest, ReadsIntegersOfEveryWidth) {
  const std::vector<std::pair<std::string, int64_t>> cases = {
      {std::string("K\xff", 2), 255},
      {std::string("M\x01\x02", 3), 0x0201},
      {std::string("J\xfe\xff\xff\xff", 5), -2},
      {std::string("\x8a\x00", 2), 0},
      {std::string("\x8a\x01\xff", 3), -1},
      {std::string("\x8a\x05\x00\x00\x00\x00\x01", 7), int64_t{1} << 32},
      {std::string("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", 10), INT64_MAX},
  };
  for (const auto& [opcodes, expected] : cases) {
    PickleArena arena;
    const auto value = Read(opcodes + ".", arena);
    ASSERT_OK(value);
    ASSERT_NE((*value)->As<int64_t>(), nullptr);
    EXPECT_EQ(*(*value)->As<int64_t>(), expected);
  }
}

TEST(PickleTest, ReadsDoublesBigEndian) {
  PickleArena arena;
  const auto value = Read(std::string("G\x40\x09\x21\xfb\x54\x44\x2d\x18.", 10), arena);
  ASSERT_OK(value);
  EXPECT_EQ(*(*value)->As<double>(), 3.141592653589793);
}

TEST(PickleTest, TensorInsideItsStorageIsRead) {
  PickleArena arena;
  const auto value = Read(Tensor("K\x02", "K\x05\x85", "K\x02\x85"), arena);  // 2 + 4 * 2 = 10 < 12
  ASSERT_OK(value);
  ASSERT_NE((*value)->As<PickleTensor>(), nullptr);
  EXPECT_EQ((*value)->As<PickleTensor>()->offset, 2);
}

TEST(PickleTest, TensorOutsideItsStorageIsRefused) {
  const std::string huge("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", 10);
  const std::vector<std::string> tensors = {
      Tensor("K\x04", "K\x05\x85", "K\x02\x85"),              // 4 + 4 * 2 = 12
      Tensor(huge, "K\x02\x85", "K\x01\x85"),                 // offset + 1 overflows
      Tensor("K\x01", huge + "\x85", huge + "\x85"),          // the product overflows
      Tensor("J\xff\xff\xff\xff", "K\x02\x85", "K\x01\x85"),  // negative offset
      Tensor("K\x01", "J\xff\xff\xff\xff\x85", "K\x01\x85"),  // negative size
      Tensor("K\x01", "K\x02\x85", "J\xff\xff\xff\xff\x85"),  // negative stride
      Tensor("K\x01", "K\x02\x85", "K\x01K\x01\x86"),         // ranks differ
  };
  for (const std::string& tensor : tensors) {
    PickleArena arena;
    EXPECT_THAT(Read(tensor, arena), HasCode(Code::kInvalidArgument));
  }
}

TEST(PickleTest, UnknownGlobalIsNamed) {
  PickleArena arena;
  EXPECT_THAT(Read("cos\nsystem\nU\x02ls\x85R.", arena),
              StatusIs(Code::kInvalidArgument, HasSubstr("os.system")));
  EXPECT_THAT(Read("ctorch.storage\n_load_from_bytes\nU\x02ls\x85R.", arena),
              StatusIs(Code::kInvalidArgument, HasSubstr("torch.storage._load_from_bytes")));
  EXPECT_THAT(Read(std::string("\x8c\x08"
                               "builtins\x8c\x04"
                               "eval\x93.",
                               17),
                   arena),
              StatusIs(Code::kInvalidArgument, HasSubstr("builtins.eval")));
}

TEST(PickleTest, ObjectsThatWeightsDoNotNeedAreReadPastAndHoldNothingThatRuns) {
  const std::string options = "cargparse\nNamespace\n)\x81";
  PickleArena arena;
  const auto value = Read(options + "}U\x02lrK\x01sb.", arena);
  ASSERT_OK(value);
  EXPECT_NE((*value)->As<PickleOpaque>(), nullptr);
  for (const std::string& hostile :
       {options + "}U\x02lrcos\nsystem\nU\x02ls\x85Rsb.", options + "cposix\nsystem\nb.",
        std::string("cnumpy\nndarray\ncbuiltins\nexec\n\x85R.")}) {
    EXPECT_THAT(Read(hostile, arena),
                StatusIs(Code::kInvalidArgument, HasSubstr("nothing of it was run")));
  }
}

TEST(PickleTest, UnbalancedStacksAreRefused) {
  for (const std::string opcodes :
       {".", "0.", "1.", "t.", "K\x01s.", "(.", "(\x85.", "R.", "}K\x01K\x02R.", "h\x07.", "Q.",
        "K\x01Q.", "b.", "a.", "\x93.", "2."}) {
    PickleArena arena;
    EXPECT_THAT(Read(opcodes, arena), HasCode(Code::kInvalidArgument)) << opcodes;
  }
}

TEST(PickleTest, ValuesThatContainThemselvesDoNoHarm) {
  PickleArena arena;
  EXPECT_OK(
      Read("]q\x01h\x01"
           "a.",
           arena));
  EXPECT_OK(Read(std::string("}q\x00U\x01kh\x00s.", 11), arena));
}

TEST(PickleTest, DeepNestingTakesNoStack) {
  constexpr size_t kDepth = 500'000;
  PickleArena arena;
  EXPECT_OK(Read("N" + std::string(kDepth, '\x85') + ".", arena));
}

TEST(PickleTest, TooManyValuesAreRefused) {
  PickleArena arena;
  EXPECT_THAT(Read("(" + std::string(3'000'000, 'N') + "t.", arena),
              StatusIs(Code::kInvalidArgument, HasSubstr("too many values")));
}

TEST(PickleTest, RepeatedCopiesOfALargeDictAreBounded) {
  // A dict of 100,000 pairs, copied 100 times by OrderedDict(dict): 10 million pairs from 1 MB.
  std::string opcodes = "}(";
  for (int pair = 0; pair < 100'000; ++pair) opcodes += "NN";
  opcodes +=
      "uq\x01"
      "0(";
  for (int copy = 0; copy < 100; ++copy) opcodes += "ccollections\nOrderedDict\nh\x01\x85R";
  PickleArena arena;
  EXPECT_THAT(Read(opcodes + "t.", arena), HasCode(Code::kInvalidArgument));
}

}  // namespace
}  // namespace distill::core

#include "core/base/plain_text.h"

#include <gmock/gmock.h>

#include <string>

namespace distill {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;

TEST(PlainTextTest, TextOfManyScriptsIsText) {
  EXPECT_THAT(FirstLineThatIsNoText("a\tb\r\n größe € 鳥 \xF0\x9F\x90\xA6\n"), Eq(std::nullopt));
  EXPECT_THAT(FirstLineThatIsNoText(""), Eq(std::nullopt));
}

TEST(PlainTextTest, AControlCharacterIsFoundByItsLine) {
  EXPECT_THAT(FirstLineThatIsNoText(std::string("a\nb\0", 4)), Eq(2U));
  EXPECT_THAT(FirstLineThatIsNoText("\x1B[31m"), Eq(1U));
  EXPECT_THAT(FirstLineThatIsNoText("a\n\n\x7F"), Eq(3U));
}

// The ill-formed sequences of RFC 3629, sections 3, 4 and 10.
TEST(PlainTextTest, WhatIsNoUtf8IsNoText) {
  for (const std::string bytes :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xFF", "\xE2\x82", "\xE2x\xAC"}) {
    EXPECT_THAT(FirstLineThatIsNoText("ok\n" + bytes), Eq(2U));
  }
}

TEST(PlainTextTest, BytesThatAreNoUtf8AreEscapedAndNothingElse) {
  EXPECT_EQ(Utf8OrEscaped("caf\xE9"), "caf\\xe9");
  EXPECT_EQ(Utf8OrEscaped("\xFF-\xE2\x82-\xED\xA0\x80"), "\\xff-\\xe2\\x82-\\xed\\xa0\\x80");
  const std::string text = "größe € 鳥 \xF0\x9F\x90\xA6\n\x1B";
  EXPECT_EQ(Utf8OrEscaped(text), text);
  EXPECT_TRUE(IsUtf8(text));
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_FALSE(IsUtf8("caf\xE9"));
}

TEST(PlainTextTest, LinesEndAsOnAnySystemAndEmptyOnesAreLeftOut) {
  EXPECT_THAT(LinesOf("wren\r\n\n great tit \n\r\nrook"),
              ElementsAre("wren", " great tit ", "rook"));
  EXPECT_THAT(LinesOf("a\rb\n"), ElementsAre("a\rb"));
  EXPECT_THAT(LinesOf("\n\r\n"), IsEmpty());
}

}  // namespace
}  // namespace distill

#include "client/output/printable_text.h"

#include <gmock/gmock.h>

#include <sstream>

namespace distill::client {
namespace {

TEST(PrintableTextTest, ControlCharactersStandThereAsEscapes) {
  EXPECT_EQ(OneLine("a\x1b]0;PWNED\x07"
                    "b"),
            "a\\u001b]0;PWNED\\u0007b");
  EXPECT_EQ(OneLine("x\nowner  adm\t\r\x7f"), "x\\nowner  adm\\t\\r\\u007f");
  // CSI as one character, and the same as a bare byte.
  EXPECT_EQ(OneLine("\xC2\x9B"
                    "31m"),
            "\\u009b31m");
  EXPECT_EQ(OneLine("\x9B"
                    "31m"),
            "\\x9b31m");
  // Right-to-left override.
  EXPECT_EQ(OneLine("a\xE2\x80\xAE"
                    "b"),
            "a\\u202eb");
}

TEST(PrintableTextTest, OtherTextStaysAsItIs) {
  EXPECT_EQ(OneLine("plain"), "plain");
  EXPECT_EQ(OneLine("µ ± 漢字 😀 U+00A0:\xC2\xA0"), "µ ± 漢字 😀 U+00A0:\xC2\xA0");
}

TEST(PrintableTextTest, WhatIsNoUtf8StandsThereAsBytes) {
  EXPECT_EQ(OneLine("\xC2"), "\\xc2");
  EXPECT_EQ(OneLine("\xE2\x80"
                    "a"),
            "\\xe2\\x80a");
  EXPECT_EQ(OneLine("\xC0\x9B"), "\\xc0\\x9b");           // longer than need be
  EXPECT_EQ(OneLine("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // half a pair
  EXPECT_EQ(OneLine("\xFF"), "\\xff");
}

TEST(PrintableTextTest, InAScopeAStreamKeepsLinesAndTabsAndEscapesTheRest) {
  std::ostringstream out;
  {
    const PrintableScope scope(out);
    out << "a\tb\nc\x1b[2J" << '\x07' << 7 << '\n';
  }
  out << "\x1b";  // no longer

  EXPECT_EQ(out.str(), "a\tb\nc\\u001b[2J\\u00077\n\x1b");
}

TEST(PrintableTextTest, ACharacterThatComesInTwoPiecesIsOne) {
  std::ostringstream out;
  {
    const PrintableScope scope(out);
    out << "\xC2" << std::flush << "\xB5"
        << "\xC2" << std::flush << "\x9B"
        << "\xE2\x80";
  }
  EXPECT_EQ(out.str(), "µ\\u009b\\xe2\\x80");
}

TEST(PrintableTextTest, OwnOrdersPassAScope) {
  std::ostringstream out;
  {
    const PrintableScope scope(out);
    out << ColoredText{"R\x1bUN", "\x1b[32m"} << TerminalOrder{"\x1b[2K"} << ColoredText{"x", ""};
  }
  EXPECT_EQ(out.str(), "\x1b[32mR\\u001bUN\x1b[0m\x1b[2Kx");
}

TEST(PrintableTextTest, AFailedWriteIsTheStreams) {
  std::ostream out(nullptr);
  std::stringbuf full(std::ios::in);  // takes nothing
  out.rdbuf(&full);
  {
    const PrintableScope scope(out);
    out << "text" << std::flush;
  }
  EXPECT_FALSE(out);
}

}  // namespace
}  // namespace distill::client

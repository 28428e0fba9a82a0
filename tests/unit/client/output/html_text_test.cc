#include "client/output/html_text.h"

#include <gmock/gmock.h>

namespace distill::client {
namespace {

TEST(HtmlTextTest, WhatHasAMeaningInHtmlIsEscaped) {
  EXPECT_EQ(HtmlText("<a href=\"x\" b='y'>&amp;</a>"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
}

TEST(HtmlTextTest, ControlCharactersAreReplacedAndOtherTextStays) {
  EXPECT_EQ(HtmlText(std::string("a\0b\x1B\n\tgrün", 11)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\n\tgrün");
}

// RFC 4648, section 10.
TEST(HtmlTextTest, ADataUrlIsBase64) {
  EXPECT_EQ(DataUrl("text/plain", ""), "data:text/plain;base64,");
  EXPECT_EQ(DataUrl("text/plain", "f"), "data:text/plain;base64,Zg==");
  EXPECT_EQ(DataUrl("text/plain", "foobar"), "data:text/plain;base64,Zm9vYmFy");
}

}  // namespace
}  // namespace distill::client

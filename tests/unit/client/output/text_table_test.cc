#include "client/output/text_table.h"

#include <gmock/gmock.h>

#include <sstream>

namespace distill::client {
namespace {

TextTable SomeTable() {
  TextTable table({{"NAME"}, {"N", TextTable::Align::kRight}});
  table.AddRow({"größe", "1"});
  table.AddRow({"  a, \"b\" | c", "100"});
  return table;
}

TEST(TextTableTest, ColumnsAreAlignedByCharactersNotBytes) {
  std::ostringstream out;
  SomeTable().Print(out);
  EXPECT_EQ(out.str(),
            "NAME            N\n"
            "größe           1\n"
            "  a, \"b\" | c  100\n");
}

TEST(TextTableTest, ACellIsOneLineAndItsBeginningMayHaveAColour) {
  TextTable table({{"STATE"}, {"WHY"}});
  table.AddRow({"FAILED (\x1b[2J)", "a\nb"});
  table.Color(0, {"FAILED", "\x1b[31m"});
  table.AddRow({"OK", ""});
  std::ostringstream out;
  table.Print(out);
  EXPECT_EQ(out.str(),
            "STATE               WHY\n"
            "\x1b[31mFAILED\x1b[0m (\\u001b[2J)  a\\nb\n"
            "OK\n");
}

TEST(TextTableTest, CsvQuotesWhatNeedsIt) {
  std::ostringstream out;
  SomeTable().PrintCsv(out);
  EXPECT_EQ(out.str(), "NAME,N\ngröße,1\n\"  a, \"\"b\"\" | c\",100\n");
}

TEST(TextTableTest, MarkdownKeepsIndentationAndEscapesBars) {
  std::ostringstream out;
  SomeTable().PrintMarkdown(out);
  EXPECT_EQ(out.str(),
            "| NAME | N |\n"
            "|---|---:|\n"
            "| größe | 1 |\n"
            "| &nbsp;&nbsp;a, \"b\" \\| c | 100 |\n");
}

}  // namespace
}  // namespace distill::client

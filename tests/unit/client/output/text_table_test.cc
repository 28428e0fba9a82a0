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

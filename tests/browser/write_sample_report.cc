// Writes the report of two jobs whose users typed markup, for a browser to open.
#include <fstream>

#include "client/report/page.h"
#include "tests/unit/client/report/sample_report.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ofstream file(argv[1]);
  const std::string typed = " <img src=x onerror=alert(1)>";
  file << distill::client::ReportPage(distill::client::testing::SampleReport(typed));
  return file.flush() ? 0 : 1;
}

#include "tests/integration/scrape.h"

#include <regex>
#include <sstream>

namespace distill::testing {
namespace {

// `{b="2",a="1"}` -> `{a="1",b="2"}`.
std::string InOrder(const std::string& labels) {
  static const std::regex label("([a-zA-Z_]\\w*)=\"((?:[^\"\\\\]|\\\\.)*)\"");
  std::map<std::string, std::string> pairs;
  for (std::sregex_iterator match(labels.begin(), labels.end(), label), end; match != end;
       ++match) {
    pairs[(*match)[1]] = (*match)[2];
  }
  std::string text;
  for (const auto& [name, value] : pairs) {
    text += (text.empty() ? "" : ",") + name + "=\"" + value + "\"";
  }
  return text.empty() ? "" : "{" + text + "}";
}

}  // namespace

Scrape ParseScrape(const std::string& text) {
  static const std::regex sample("([a-zA-Z_:][\\w:]*)(\\{.*\\})? ([-+.\\w]+)( \\d+)?");
  static const std::regex type("# TYPE (\\S+) (counter|gauge|histogram|summary)");
  Scrape scrape;
  scrape.text = text;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, sample)) {
      scrape.names.insert(match[1]);
      scrape.samples[match[1].str() + InOrder(match[2])] =
          std::strtod(match[3].str().c_str(), nullptr);
    } else if (std::regex_match(line, match, type)) {
      scrape.names.insert(match[1]);
    } else if (line.rfind("# HELP ", 0) != 0) {
      scrape.faults.insert(line);
    }
  }
  return scrape;
}

}  // namespace distill::testing
